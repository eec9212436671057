"""A JWK set with one new private key: authenticate_key.py HS256|RS256|ES256 FILE. Numbers come from openssl."""
import base64
import json
import os
import re
import subprocess
import sys


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, given=None):
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True).stdout


alg, path = sys.argv[1:]
if alg == "HS256":
    key = {"kty": "oct", "k": url64(os.urandom(32))}
elif alg == "RS256":
    der = openssl("rsa", "-traditional", "-outform", "DER", given=openssl("genrsa", "2048"))
    numbers = re.findall(r"INTEGER +:([0-9A-F]+)", openssl("asn1parse", "-inform", "DER", given=der).decode())
    numbers = [bytes.fromhex(n if len(n) % 2 == 0 else "0" + n) for n in numbers[1:]]
    key = dict(zip(("n", "e", "d", "p", "q", "dp", "dq", "qi"), map(url64, numbers)), kty="RSA")
else:
    pem = openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout")
    point = openssl("ec", "-pubout", "-outform", "DER", given=pem)[-64:]
    der = openssl("ec", "-outform", "DER", given=pem)
    private = re.search(r"\[HEX DUMP\]:([0-9A-F]{64})", openssl("asn1parse", "-inform", "DER", given=der).decode()).group(1)
    key = {"kty": "EC", "crv": "P-256", "x": url64(point[:32]), "y": url64(point[32:]), "d": url64(bytes.fromhex(private))}
with open(path, "w", encoding="utf-8") as file:
    json.dump({"keys": [dict(key, kid=alg)]}, file)
