package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Colour is an ANSI colour of a line (ECMA-48, SGR); the zero Colour is none.
type Colour string

// Red, Yellow and Green are for what is wrong, what is doubtful and what is right.
const (
	Red    Colour = "31"
	Yellow Colour = "33"
	Green  Colour = "32"
)

// wipeLine moves to the beginning of a terminal's line and clears it.
const wipeLine = "\r\x1b[K"

// terminalOf returns the terminal that a writer is, if it understands control sequences, and nil
// otherwise. A file or pipe must not get any.
func terminalOf(w io.Writer) *os.File {
	if f, ok := w.(*os.File); ok && Terminal(f) && os.Getenv("TERM") != "dumb" {
		return f
	}
	return nil
}

// Paint returns a line coloured for a terminal, unless NO_COLOR (https://no-color.org) is set. For
// other writers it returns the line as it is.
func Paint(w io.Writer, c Colour, line string) string {
	if c == "" || terminalOf(w) == nil || os.Getenv("NO_COLOR") != "" {
		return line
	}
	return "\x1b[" + string(c) + "m" + line + "\x1b[0m"
}

// Bar shows on a terminal how far long work is; it writes nothing elsewhere. Not for concurrent
// use.
type Bar struct {
	w     io.Writer
	what  string
	total int64
	last  time.Time
	shown bool
}

const barWidth = 30

// NewBar returns the bar of some work, by its name.
func NewBar(w io.Writer, what string) *Bar { return &Bar{w: w, what: what} }

// At sets the progress: done of total. It redraws five times a second at most, and not before the
// work has lasted 200 ms.
func (b *Bar) At(done, total int64) {
	b.total = total
	if b.last.IsZero() { // what is done at once needs no bar
		b.last = time.Now()
	}
	if b.total <= 0 || time.Since(b.last) < 200*time.Millisecond || terminalOf(b.w) == nil {
		return
	}
	b.last, b.shown = time.Now(), true
	share := min(done, b.total)
	full := int(barWidth * share / b.total)
	fmt.Fprintf(b.w, "\r%s [%s%s] %3d %%", b.what, strings.Repeat("#", full), strings.Repeat(".", barWidth-full),
		100*share/b.total)
}

// End removes the bar from the terminal.
func (b *Bar) End() {
	if b.shown {
		fmt.Fprint(b.w, wipeLine)
	}
}

// Screen prints events and, below them, one line that says how things are. On a terminal that line
// is written over; elsewhere it is printed every statusEvery. It may be used by many goroutines.
type Screen struct {
	out      io.Writer
	terminal *os.File // nil when out is no terminal

	mu     sync.Mutex
	status string
	shown  time.Time // of the status line, where there is no terminal
}

// statusEvery is the interval of the status line where it cannot be written over.
const statusEvery = 10 * time.Second

// NewScreen returns a Screen that prints on out.
func NewScreen(out io.Writer) *Screen {
	return &Screen{out: out, terminal: terminalOf(out)}
}

// Event prints a line that stays, with the time of day.
func (s *Screen) Event(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line = time.Now().Format("15:04:05 MST") + "  " + line
	if s.terminal == nil {
		fmt.Fprintln(s.out, line)
		return
	}
	fmt.Fprintf(s.out, "%s%s\n%s", wipeLine, line, s.status)
}

// State sets the status line. It is cut to the terminal's width: a wrapped line could not be
// written over.
func (s *Screen) State(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.terminal == nil {
		if time.Since(s.shown) >= statusEvery {
			s.shown = time.Now()
			fmt.Fprintln(s.out, line)
		}
		return
	}
	if size, err := unix.IoctlGetWinsize(int(s.terminal.Fd()), unix.TIOCGWINSZ); err == nil && size.Col > 1 {
		line = string([]rune(line)[:min(len([]rune(line)), int(size.Col)-1)])
	}
	s.status = line
	fmt.Fprintf(s.out, "%s%s", wipeLine, line)
}

// End leaves the terminal's cursor on a line of its own.
func (s *Screen) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.terminal != nil && s.status != "" {
		fmt.Fprintln(s.out)
	}
}
