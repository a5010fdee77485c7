#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# patella-admin ca: what it makes, as the program openssl reads it.  No database.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

admin=${BUILD:-build}/bin/patella-admin
dir=$(mktemp -d) || exit 1
ca=$dir/ca
trap 'rm -rf "$dir"' EXIT
unset PGHOST PGSERVICE

same() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }; }
mode() { stat -c %a "$1"; }
accepts() { # PURPOSE FILE
    openssl verify -x509_strict -crl_check -CAfile "$ca/ca.pem" -CRLfile "$ca/crl.pem" -purpose "$1" "$2"
}
extension() { openssl x509 -in "$1" -noout -ext "$2" | sed -n '2s/^ *//p'; }
days_left() { # TIME
    echo $((($(date -ud "$1" +%s) - $(date -u +%s) + 43200) / 86400))
}

check "init" "$admin" ca init "$ca" --name "Test CA"
check "the folder is its owner's alone" same "$(mode "$ca")" 700
check "so is the key" same "$(mode "$ca/ca-key.pem")" 600
check "a second one in the same folder is refused" says "is there already" "$admin" ca init "$ca"
check "the CA's certificate has its name" same "$(openssl x509 -in "$ca/ca.pem" -noout -subject)" "subject=CN = Test CA"
check "it is of P-256" says "ASN1 OID: prime256v1" openssl x509 -in "$ca/ca.pem" -noout -text
check "it may issue certificates, and no further CA" same "$(extension "$ca/ca.pem" basicConstraints)" \
    "CA:TRUE, pathlen:0"
check "the first list is the CA's" says "verify OK" openssl crl -in "$ca/crl.pem" -noout -CAfile "$ca/ca.pem"

north=$("$admin" ca issue "$ca" north --sites demo:1,hip-7:12)
"$admin" ca issue "$ca" server --hosts localhost,127.0.0.1,::1 --days 90 > /dev/null
check "issue prints the number" same \
    "$(openssl x509 -in "$ca/north.pem" -noout -serial | tr 'A-F' 'a-f')" "serial=$north"
check "the key is its owner's alone" same "$(mode "$ca/north-key.pem")" 600
check "key and certificate belong together" same "$(openssl x509 -in "$ca/north.pem" -noout -pubkey)" \
    "$(openssl pkey -in "$ca/north-key.pem" -pubout)"
check "a machine's certificate names its sites" same "$(extension "$ca/north.pem" subjectAltName)" \
    "URI:urn:patella:site:demo:1, URI:urn:patella:site:hip-7:12"
check "it is for clients only" same "$(extension "$ca/north.pem" extendedKeyUsage)" "TLS Web Client Authentication"
check "openssl takes it for a client" accepts sslclient "$ca/north.pem"
check "and not for a server" exits 2 accepts sslserver "$ca/north.pem"
check "openssl takes the server's for a server" accepts sslserver "$ca/server.pem"
check "and not for a client" exits 2 accepts sslclient "$ca/server.pem"
check "a server's certificate names its hosts" same "$(extension "$ca/server.pem" subjectAltName)" \
    "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1"

check "a name that is taken is refused" says "is there already" "$admin" ca issue "$ca" north --sites demo:2
check "and nothing was issued" same "$("$admin" ca list "$ca" --json | jq length)" 2
for wrong in demo demo:0 demo:01 demo:1x Demo:1 'demo:1,' ,demo:1 'demo:1,URI:urn:patella:site:other:1' 'demo:1 '; do
    check "--sites '$wrong' is refused" says "is not a site" "$admin" ca issue "$ca" wrong --sites "$wrong"
done
check "--hosts with another kind of name is refused" says "is not a host" \
    "$admin" ca issue "$ca" wrong --hosts 'localhost,email:a@example.org'
for wrong in '' ../up .hidden ca crl 'a b'; do
    check "the name '$wrong' is refused" says "is no name" "$admin" ca issue "$ca" "$wrong" --sites demo:1
done
check "neither sites nor hosts" says "give --sites" "$admin" ca issue "$ca" wrong
check "both" says "give --sites" "$admin" ca issue "$ca" wrong --sites demo:1 --hosts localhost
check "days that end after the CA" says "would end after its CA" \
    "$admin" ca issue "$ca" wrong --sites demo:1 --days 3651
check "nothing of these was written" exits 2 ls "$ca"/wrong*

check "an unknown number is refused" says "has issued no certificate" "$admin" ca revoke "$ca" 0123
check "revoke" "$admin" ca revoke "$ca" "$north" --days 7
check "openssl refuses it now" says "certificate revoked" accepts sslclient "$ca/north.pem"
check "and takes the other one" accepts sslserver "$ca/server.pem"
check "a second time is refused" says "is revoked already" "$admin" ca revoke "$ca" "$north"
check "the list counts" says "crlNumber=0x02" openssl crl -in "$ca/crl.pem" -noout -crlnumber
until_=$(openssl crl -in "$ca/crl.pem" -noout -nextupdate)
check "the list ends after the days that were given" same "$(days_left "${until_#*=}")" 7
check "a new list" "$admin" ca crl "$ca"
check "it counts on" says "crlNumber=0x03" openssl crl -in "$ca/crl.pem" -noout -crlnumber
check "it still has what was revoked" says "certificate revoked" accepts sslclient "$ca/north.pem"

check "list names both, and which is revoked" same \
    "$("$admin" ca list "$ca" --json | jq -r '.[] | .name + " " + .for + " " + (.revoked_at != null | tostring)')" \
    "north demo:1,hip-7:12 true
server localhost,127.0.0.1,::1 false"
check "list as a table" says "$north" "$admin" ca list "$ca"
chmod 0640 "$ca/ca-key.pem"
check "a key that others may read is refused" says "chmod 0600" "$admin" ca crl "$ca"
chmod 0600 "$ca/ca-key.pem"
check "who works with it keeps others out" says "somebody else works" \
    flock --exclusive "$ca" "$admin" ca crl "$ca"
check "a folder without a CA" says "ca init" "$admin" ca list "$dir"
plan
