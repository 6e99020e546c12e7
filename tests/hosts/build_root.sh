#!/usr/bin/env bash
# Builds the root file system in which tests/hosts runs GIMP and Krita: Debian 13, 1.5 GB, about a
# minute.
# Nothing is done where it is there already, made by this very script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

root=.hosts-root/debian
stamp=.hosts-root/built-by
packages=(
    gimp gir1.2-gimp-3.0 python3-gi                          # an editor, with plug-ins in Python
    krita python3-pyqt5                                      # the other one, likewise
    xvfb openbox xdotool imagemagick dbus-daemon dbus-bin    # a screen, and hands and eyes for it
    locales procps adwaita-icon-theme fonts-dejavu-core fonts-wqy-microhei
    # What the wheels of PyQt6 expect of a system with a screen:
    libdbus-1-3 libegl1 libfontconfig1 libgl1 libxcb-cursor0 libxcb-icccm4 libxcb-image0
    libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1
    libxkbcommon-x11-0
    # What the environment's own Python may be linked to:
    libbz2-1.0 libffi8 liblzma5 libreadline8t64 libsqlite3-0 libssl3t64 zlib1g
)

if [[ -e $stamp ]] && sha256sum --check --status "$stamp"; then
    exit 0
fi
if ! { command -v mmdebstrap && command -v bwrap; } >/dev/null; then
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        echo "mmdebstrap or bwrap is missing: apt-get install mmdebstrap bubblewrap" >&2
        exit 1
    fi
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends mmdebstrap bubblewrap
fi

rm -rf .hosts-root
mkdir .hosts-root
mmdebstrap --variant=apt \
    --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --include="$(IFS=,; echo "${packages[*]}")" \
    --customize-hook='printf "de_DE.UTF-8 UTF-8\nzh_CN.UTF-8 UTF-8\n" > "$1/etc/locale.gen"' \
    --customize-hook='chroot "$1" locale-gen' \
    --customize-hook='chroot "$1" useradd --uid 1000 ann' \
    trixie "$root"
sha256sum tests/hosts/build_root.sh >"$stamp"
