#!/bin/sh
# A screen, a window manager, and Krita. DIR takes what they say.
# krita.sh DIR [ARGUMENT...]
dir=$1
shift
Xvfb -displayfd 3 -screen 0 ${SCREEN:-1440x900}x24 -noreset -nolisten tcp 3>"$dir/display" 2>"$dir/Xvfb.log" &
while [ ! -s "$dir/display" ]; do sleep 0.05; done
DISPLAY=:$(cat "$dir/display")
export DISPLAY
openbox 2>"$dir/openbox.log" &
krita --nosplash "$@" >"$dir/krita.log" 2>&1
