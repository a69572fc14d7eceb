#!/usr/bin/env bash
# Installs what the tests run against: browsers, coturn, FFmpeg, NATs, and what is named as
# program:package besides. Without root it prints the line to type.
set -euo pipefail

# program:package
wanted=(ip:iproute2 nft:nftables tcpdump:tcpdump chromium:chromium firefox-esr:firefox-esr ffmpeg:ffmpeg turnserver:coturn
        turnutils_uclient:coturn certutil:libnss3-tools openssl:openssl
        cmake:cmake cc:build-essential "$@")
missing=()
for pair in "${wanted[@]}"; do
  PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
((${#missing[@]} == 0)) && exit 0

install="apt-get install --yes --no-install-recommends ${missing[*]}"
if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update --quiet --quiet
  $install >/dev/null
else
  echo "The tests need programs that are not installed. Type:" >&2
  echo "  sudo $install" >&2
  exit 1
fi
