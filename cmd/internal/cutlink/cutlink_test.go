package cutlink

import (
	"io"
	"net"
	"testing"

	"lanewarden/cmd/internal/process"
)

// TestLink: bytes pass and are counted in both ways; a cut ends connections and refuses new ones, until it is restored.
func TestLink(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	free, err := process.FreeAddresses(1)
	if err != nil {
		t.Fatal(err)
	}
	l := New(free[0], echo.Addr().String())
	defer l.Cut()
	for range 2 {
		if err := l.Restore(); err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", l.From)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte("abcdef")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 6)); err != nil {
			t.Fatal(err)
		}
		l.Cut()
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("the connection outlived the cut")
		}
		if _, err := net.Dial("tcp", l.From); err == nil {
			t.Error("a link that is down takes connections")
		}
	}
	if l.Up.Load() != 12 || l.Down.Load() != 12 {
		t.Errorf("%d up, %d down", l.Up.Load(), l.Down.Load())
	}
}
