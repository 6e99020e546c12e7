#!/bin/sh
# A screen, a window manager, a message bus, and GIMP with a picture. DIR takes what they say.
# desktop.sh DIR PICTURE
dir=$1
Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp 3>"$dir/display" 2>"$dir/Xvfb.log" &
while [ ! -s "$dir/display" ]; do sleep 0.05; done
DISPLAY=:$(cat "$dir/display")
DBUS_SESSION_BUS_ADDRESS=unix:path=$dir/bus
export DISPLAY DBUS_SESSION_BUS_ADDRESS
dbus-daemon --session --nofork --address="$DBUS_SESSION_BUS_ADDRESS" 2>"$dir/bus.log" &
openbox 2>"$dir/openbox.log" &
gimp -s "$2" >"$dir/gimp.log" 2>&1
sleep 600  # the screen outlives GIMP, to see what is left on it
