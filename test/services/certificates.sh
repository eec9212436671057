#!/bin/sh
# Makes certificates for TLS tests in a folder: certificates.sh FOLDER HOST
#
#   ours.pem, theirs.pem   two authorities
#   good, expired, future  .key and .pem for HOST, signed by ours
#   misnamed               for other.test, signed by ours
#   foreign                for HOST, signed by theirs
set -eu
cd "$1"
exec >openssl.log 2>&1

for ca in ours theirs; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$ca" \
		-keyout "$ca.key" -out "$ca.pem"
done
mkdir db
: >db/index
echo 01 >db/serial
cat >ca.cnf <<'CONFIG'
[ca]
default_ca = c
[c]
database = db/index
serial = db/serial
new_certs_dir = db
default_md = sha256
policy = p
x509_extensions = x
copy_extensions = copy
unique_subject = no
[p]
commonName = supplied
[x]
basicConstraints = CA:FALSE
CONFIG

# file host authority from to
issue() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -addext "subjectAltName=DNS:$2" \
		-keyout "$1.key" -out "$1.csr"
	openssl ca -batch -config ca.cnf -cert "$3.pem" -keyfile "$3.key" -in "$1.csr" -out "$1.pem" -notext \
		-startdate "$4" -enddate "$5"
}
issue good "$2" ours 20200101000000Z 20480101000000Z
issue expired "$2" ours 20200101000000Z 20200201000000Z
issue future "$2" ours 20470101000000Z 20480101000000Z
issue misnamed other.test ours 20200101000000Z 20480101000000Z
issue foreign "$2" theirs 20200101000000Z 20480101000000Z
