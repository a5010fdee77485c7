#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What others say of the daemon's TLS: sslscan, and the parts of testssl.sh that need no name and no chain of trust
# (the test's certificate is its own issuer).  The daemon has no database: none of this is asked for one.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

dir=$(mktemp -d) || exit 1
pid=
leave() {
    if [ -n "$pid" ]; then kill "$pid" 2> /dev/null; wait "$pid"; fi
    rm -rf "$dir"
}
trap leave EXIT

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/key.pem" -out "$dir/server.pem" \
    -days 60 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2> /dev/null || exit 1
chmod 600 "$dir/key.pem"
"${BUILD:-build}/bin/patella-admin" ca init "$dir/ca" && "${BUILD:-build}/bin/patella-admin" ca issue "$dir/ca" north \
    --sites demo:1 > /dev/null || exit 1
"${BUILD:-build}/bin/patellad" --set certificate="$dir/server.pem" --set key="$dir/key.pem" \
    --set listen_address=127.0.0.1 --set listen_port=0 --set database=host=/nonexistent \
    --set machine_listen_address=127.0.0.1 --set machine_listen_port=0 --set machine_client_ca="$dir/ca/ca.pem" \
    --set machine_crl="$dir/ca/crl.pem" 2> "$dir/log" &
pid=$!
for _ in $(seq 200); do
    port=$(sed -n 's/.*msg=listening .*port=\([0-9]*\).*/\1/p' "$dir/log")
    machines=$(sed -n 's/.*msg="listening for machines".*port=\([0-9]*\).*/\1/p' "$dir/log")
    if [ -n "$port" ] && [ -n "$machines" ]; then break; fi
    kill -0 "$pid" 2> /dev/null || break
    sleep 0.05
done
if [ -z "$port" ] || [ -z "$machines" ]; then cat "$dir/log"; exit 1; fi

timeout 60 sslscan --no-colour --xml="$dir/sslscan.xml" "127.0.0.1:$port" > /dev/null 2>&1
timeout 60 sslscan --no-colour --certs="$dir/ca/north.pem" --pk="$dir/ca/north-key.pem" --xml="$dir/machines.xml" \
    "127.0.0.1:$machines" > /dev/null 2>&1

# True when the report has that many lines with the pattern.
reports() { # COUNT PATTERN
    local count
    count=$(grep -cE -- "$2" "$dir/sslscan.xml")
    [ "$count" -eq "$1" ] || { echo "$count lines"; grep -E -- "$2" "$dir/sslscan.xml"; return 1; }
}
check "sslscan sees six protocols" reports 6 '<protocol '
check "TLS 1.2 and 1.3 are the only ones" reports 2 '<protocol .*enabled="1"'
check "both of them" reports 2 '<protocol type="tls" version="1[.][23]" enabled="1"'
check "nothing can be renegotiated" reports 1 '<renegotiation supported="0"'
check "nothing is compressed" reports 0 '<compression supported="1"'
check "no heartbeat" reports 0 'vulnerable="1"'
check "six ciphers" reports 6 '<cipher '
check "three of TLS 1.3" reports 3 '<cipher .*sslversion="TLSv1[.]3"'
check "forward secrecy and AEAD only" reports 6 \
    '<cipher .*cipher="(TLS_(AES|CHACHA20)|ECDHE-ECDSA-(AES(128|256)-GCM|CHACHA20))'
check "none below 128 bits" reports 6 '<cipher .*bits="(128|256)"'
check "X25519 and P-256" reports 3 '<group .*name="(x25519|secp256r1)'
check "no other groups" reports 3 '<group '
check "the certificate is of P-256" reports 1 '<pk .*curve_name="prime256v1"'

# The machines' port: the same offers, and nobody without a certificate.
offers() {
    grep -oE "<(protocol|cipher|group|renegotiation|compression) [^>]*" "$1" | sed "s/ \(curve\|ecdhebits\)=.*//" | sort
}
check "the machines' port makes the same offers" test "$(offers "$dir/machines.xml")" = "$(offers "$dir/sslscan.xml")"

# It asks only once it has spoken: openssl hears the alert when it reads.
ask_machines() { printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' |
    timeout 20 openssl s_client -connect "127.0.0.1:$machines" -ign_eof "$@" > "$dir/hello" 2>&1; }
for version in -tls1_2 -tls1_3; do
    ask_machines "$version"
    check "without a certificate there is no answer, $version" exits 1 grep 'HTTP/1.1' "$dir/hello"
    check "but an alert, $version" grep -qE 'alert (certificate required|handshake failure)' "$dir/hello"
    check "it names the CA, $version" grep -q 'CN = Patella CA' "$dir/hello"
    ask_machines "$version" -cert "$dir/ca/north.pem" -key "$dir/ca/north-key.pem"
    check "with one there is, $version" grep -q 'HTTP/1.1 200' "$dir/hello"
    ask_machines "$version" -cert "$dir/server.pem" -key "$dir/key.pem"
    check "with somebody else's there is none, $version" exits 1 grep 'HTTP/1.1' "$dir/hello"
done

say_hello() { openssl s_client -connect "127.0.0.1:$port" "$@" < /dev/null > "$dir/hello" 2>&1; }
said() { grep -qE -- "$1" "$dir/hello" || { cat "$dir/hello"; return 1; }; }
say_hello -tls1_2
check "TLS 1.2 is spoken" said '^New, TLSv1[.]2, Cipher is ECDHE-ECDSA'
check "it has no session to come back to" said '^ *Session-ID: *$'
check "nor a ticket" exits 1 grep 'ession ticket:' "$dir/hello"
say_hello -tls1_3
check "TLS 1.3 is spoken" said '^New, TLSv1[.]3, Cipher is TLS_AES'
check "it allows no early data" exits 1 grep -E 'Max Early Data: [1-9]' "$dir/hello"

# Protocols, categories of ciphers, forward secrecy, known attacks: what is above "low" is named.
timeout 240 testssl --quiet --color 0 --warnings off --severity MEDIUM --jsonfile "$dir/testssl.json" -p -s -f -U \
    "127.0.0.1:$port" > "$dir/testssl.out" 2>&1
status=$?
findings() { jq -r '.[] | select(.severity | IN("MEDIUM", "HIGH", "CRITICAL", "WARN", "FATAL")) |
    .id + ": " + .finding' "$dir/testssl.json"; }
check "testssl has come to its end" test "$status" -lt 128 -a -s "$dir/testssl.out"
check "testssl has tried the attacks" grep -q 'LUCKY13' "$dir/testssl.out"
check "testssl finds nothing above low" exits 1 grep . <(findings)
plan
