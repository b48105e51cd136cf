package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"lanewarden/cmd/internal/cli"
)

// colour is an ANSI colour of a line.
type colour string

const (
	red    colour = "31"
	yellow colour = "33"
	green  colour = "32"
)

// onTerminal reports whether a writer is a terminal that takes colours (NO_COLOR, https://no-color.org, says no).
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && cli.Terminal(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// paint colours a line on a terminal.
func paint(w io.Writer, c colour, line string) string {
	if c == "" || !onTerminal(w) {
		return line
	}
	return "\x1b[" + string(c) + "m" + line + "\x1b[0m"
}

// stateColour is a device state's.
func stateColour(state string) colour {
	switch state {
	case "down":
		return red
	case "silent", "connecting":
		return yellow
	}
	return ""
}

// bar shows on a terminal how far long work is; it writes nothing elsewhere.
type bar struct {
	w     io.Writer
	what  string
	total int64
	last  time.Time
	shown bool
}

const barWidth = 30

// at says how much is done.
func (b *bar) at(done int64) {
	if b.last.IsZero() { // what is done at once needs no bar
		b.last = time.Now()
	}
	if b.total <= 0 || time.Since(b.last) < 200*time.Millisecond || !onTerminal(b.w) {
		return
	}
	b.last, b.shown = time.Now(), true
	full := int(barWidth * min(done, b.total) / b.total)
	fmt.Fprintf(b.w, "\r%s [%s%s] %3d %%", b.what, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), 100*min(done, b.total)/b.total)
}

// end wipes the bar.
func (b *bar) end() {
	if b.shown {
		fmt.Fprintf(b.w, "\r%s\r", strings.Repeat(" ", len(b.what)+barWidth+10))
	}
}
