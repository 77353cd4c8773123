#!/bin/sh
# Makes a virtual camera on Linux: the kernel module v4l2loopback, loaded now and at every start.
#
#   sudo scripts/setup_virtual_camera.sh            the device /dev/video10, called Lianpu
#   sudo VIDEO_NR=20 scripts/setup_virtual_camera.sh
#   sudo scripts/setup_virtual_camera.sh --remove
#
# In a container it has to be run on the host, and the device be passed on: docker run --device /dev/video10 …
set -eu

VIDEO_NR="${VIDEO_NR:-10}"
CARD_LABEL="${CARD_LABEL:-Lianpu}"
LOAD=/etc/modules-load.d/lianpu-camera.conf
OPTIONS=/etc/modprobe.d/lianpu-camera.conf

fail() {
    echo "error: $*" >&2
    exit 1
}

[ "$(uname -s)" = Linux ] || fail "v4l2loopback is for Linux. On macOS and Windows the virtual camera of OBS Studio is used."
[ "$(id -u)" = 0 ] || fail "loading a kernel module takes root: run this with sudo."
case "$VIDEO_NR" in '' | *[!0-9]*) fail "VIDEO_NR must be a number, such as 10." ;; esac
case "$CARD_LABEL" in *[!A-Za-z0-9\ ._-]*) fail "CARD_LABEL may hold letters, digits, blanks, dots, dashes and underscores." ;; esac

if [ "${1:-}" = --remove ]; then
    rm -f "$LOAD" "$OPTIONS"
    if [ -d /sys/module/v4l2loopback ]; then
        modprobe -r v4l2loopback || fail "the camera is in use: close the programs that read or write it."
    fi
    echo "The virtual camera is gone. The package v4l2loopback-dkms was left installed."
    exit 0
fi
[ $# = 0 ] || fail "unknown argument $1 (known: --remove)"

if ! modinfo v4l2loopback >/dev/null 2>&1; then
    echo "v4l2loopback is not installed for the kernel $(uname -r): installing it."
    if command -v apt-get >/dev/null; then
        apt-get install -y v4l2loopback-dkms "linux-headers-$(uname -r)"
    elif command -v dnf >/dev/null; then
        dnf install -y v4l2loopback || fail "enable RPM Fusion first: v4l2loopback is in there."
    elif command -v pacman >/dev/null; then
        pacman -S --noconfirm v4l2loopback-dkms
    elif command -v zypper >/dev/null; then
        zypper --non-interactive install v4l2loopback-kmp-default
    else
        fail "no known package manager: install v4l2loopback by hand (https://github.com/v4l2loopback/v4l2loopback)."
    fi
fi
modinfo v4l2loopback >/dev/null 2>&1 || fail "v4l2loopback was not built for the kernel $(uname -r). With Secure Boot its key has to be enrolled: mokutil --import /var/lib/dkms/mok.pub, then restart."

# exclusive_caps=1: browsers list only devices that say they capture alone, as this one does while it is written.
printf 'options v4l2loopback devices=1 video_nr=%s card_label="%s" exclusive_caps=1\n' "$VIDEO_NR" "$CARD_LABEL" >"$OPTIONS"
echo v4l2loopback >"$LOAD"

if [ -d /sys/module/v4l2loopback ]; then
    modprobe -r v4l2loopback || fail "v4l2loopback is loaded with other options and in use: close the programs that use it."
fi
modprobe v4l2loopback
[ -e "/dev/video$VIDEO_NR" ] || fail "/dev/video$VIDEO_NR did not appear."

echo "/dev/video$VIDEO_NR is ready, called $CARD_LABEL."
if [ -n "${SUDO_USER:-}" ] && ! id -nG "$SUDO_USER" | tr ' ' '\n' | grep -qx video; then
    echo "$SUDO_USER is not in the group video, and may not write it: usermod -aG video $SUDO_USER, then log in anew."
fi
echo "Next: lianpu camera check"
