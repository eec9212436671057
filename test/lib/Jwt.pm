package Jwt;

# Tokens of others, and forged ones: made with openssl, independently of the extension's own code.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256);
use JSON::PP;
use MIME::Base64 qw(encode_base64url decode_base64url);

my $json = JSON::PP->new->canonical;

# rsa(folder, name), ec(folder, name): a new key; { file, jwk (public), alg, kid }.
sub rsa
{
	my ($folder, $name) = @_;
	my $file = "$folder/$name.pem";
	system("openssl genrsa -out $file 2048 2>/dev/null") == 0 or die 'openssl genrsa';
	my ($modulus) = `openssl rsa -in $file -noout -modulus` =~ /Modulus=([0-9A-F]+)/;
	return { file => $file, alg => 'RS256', kid => $name, pem => scalar(`openssl rsa -in $file -pubout 2>/dev/null`),
		jwk => { kty => 'RSA', kid => $name, use => 'sig', alg => 'RS256', n => encode_base64url(pack('H*', $modulus)), e => 'AQAB' } };
}

sub ec
{
	my ($folder, $name) = @_;
	my $file = "$folder/$name.pem";
	system("openssl ecparam -name prime256v1 -genkey -noout -out $file 2>/dev/null") == 0 or die 'openssl ecparam';
	my $point = substr(`openssl ec -in $file -pubout -outform DER 2>/dev/null`, -64);
	return { file => $file, alg => 'ES256', kid => $name,
		jwk => { kty => 'EC', kid => $name, crv => 'P-256', x => encode_base64url(substr($point, 0, 32)),
			y => encode_base64url(substr($point, 32)) } };
}

sub secret
{
	my ($bytes, $name) = @_;
	return { secret => $bytes, alg => 'HS256', kid => $name,
		jwk => { kty => 'oct', kid => $name, alg => 'HS256', k => encode_base64url($bytes) } };
}

# The first key of a file that the extension made.
sub own_key
{
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!";
	local $/;
	my $key = $json->decode(<$in>)->{keys}[0];
	return secret(decode_base64url($key->{k}), $key->{kid});
}

# r and s side by side, as tokens have them.
sub plain_signature
{
	my ($der) = @_;
	my ($r, $s) = unpack('x3 C/a x C/a', $der);
	return join('', map { substr(("\0" x 32) . $_, -32) } $r, $s);
}

sub sign_file
{
	my ($key, $text) = @_;
	my $input = "$key->{file}.input";
	open my $out, '>', $input or die "$input: $!";
	print $out $text;
	close $out;
	my $signature = `openssl dgst -sha256 -sign $key->{file} $input`;
	return $key->{alg} eq 'ES256' ? plain_signature($signature) : $signature;
}

# A token of these claims; { header fields } replace what the key would say.
sub make
{
	my ($key, $claims, $header) = @_;
	my $text = join('.', map { encode_base64url($json->encode($_)) }
		{ alg => $key->{alg}, typ => 'JWT', kid => $key->{kid}, %{ $header // {} } }, $claims);
	my $signature = $key->{secret} ? hmac_sha256($text, $key->{secret}) : $key->{file} ? sign_file($key, $text) : '';
	return "$text." . encode_base64url($signature);
}

# A file with a key set: the keys given, each a JWK.
sub write_set
{
	my ($file, @jwks) = @_;
	open my $out, '>', $file or die "$file: $!";
	print $out $json->encode({ keys => \@jwks });
	close $out;
	chmod 0600, $file;
}

1;
