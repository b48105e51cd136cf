package ionscan

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
)

// TestBombs holds hostile JCAMP-DX files of some MB to 16 MB against the bound on memory, as lanectl describes them
// and as the driver takes them.
func TestBombs(t *testing.T) {
	drivertest.WithoutRace(t)
	const head = "##TITLE=t\n##DATA TYPE=ION MOBILITY SPECTRUM\n##.ION POLARITY=positive\n##XUNITS=ms\n"
	const even = "##FIRSTX=0\n##DELTAX=1\n##XYDATA=(X++(Y..Y))\n"
	for name, text := range map[string]func() string{ // made one at a time: what the test holds must not count
		"ordinates":            func() string { return head + even + "0 " + strings.Repeat("1 ", 8<<20) + "\n##END=" },
		"compressed ordinates": func() string { return head + even + "0@" + strings.Repeat("J", 8<<20) + "\n##END=" },
		"repetitions":          func() string { return head + even + "0@V1500000\n##END=" },
		"NPOINTS": func() string {
			return head + "##FIRSTX=0\n##LASTX=1\n##NPOINTS=1500000\n##XYDATA=(X++(Y..Y))\n" +
				strings.Repeat("0 1\n", 2<<20) + "##END="
		},
		"short lines": func() string { return head + even + strings.Repeat("0 1\n", 2<<20) + "##END=" },
		"records":     func() string { return head + strings.Repeat("##A=1\n", 1<<20) + "##END=" },
		"record":      func() string { return head + "##A=" + strings.Repeat("x\n", 4<<20) + "##END=" },
		"labels": func() string {
			return head + strings.Repeat("##"+strings.Repeat("L", 200)+"=1\n", 80_000) + "##END="
		},
		"blocks":        func() string { return strings.Repeat("##TITLE=t\n", 1<<20) },
		"nested blocks": func() string { return strings.Repeat("##TITLE=t\n##DATA TYPE=LINK\n", 1<<19) },
		"tables": func() string {
			return head + strings.Repeat("##XYDATA=(X++(Y..Y))\n0 1 2\n", 1<<19) + "##END="
		},
		"scans": func() string {
			return head + strings.Repeat("##FIRSTX=0\n##DELTAX=1\n##XYDATA=(X++(Y..Y))\n0"+
				strings.Repeat(" 1", 200)+"\n", 9000) + "##END="
		},
		"pairs": func() string { return head + "##XYPOINTS=(XY..XY)\n" + strings.Repeat("1,2\n", 2<<20) + "##END=" },
		"wide tuples": func() string {
			return head + "##XYPOINTS=(ABCDEFGHIJKLMNOP..ABCDEFGHIJKLMNOP)\n" + strings.Repeat("1 ", 4<<20) + "\n##END="
		},
		"peaks": func() string { return head + "##PEAK TABLE=(XY..XY)\n" + strings.Repeat("1,2\n", 2<<20) + "##END=" },
		"assignments": func() string {
			return head + "##PEAK ASSIGNMENTS=(XYA)\n" + strings.Repeat("(1,2,<a>)\n", 1<<20) + "##END="
		},
		"assignments, no y": func() string {
			return head + "##PEAK ASSIGNMENTS=(XA)\n" + strings.Repeat("(1,<a>)\n", 1<<20) + "##END="
		},
		"decimal commas": func() string {
			return head + "##FIRSTX=0,5\n" + even + strings.Repeat("0,5 1,5\n", 1<<20) + "##END="
		},
		"faults": func() string { return head + strings.Repeat("##XFACTOR=x\n", 1<<20) + "##END=" },
		"substances": func() string {
			return head + "##$SUBSTANCES=" + strings.Repeat("a,", 4<<20) + "\n" + even + "0" +
				strings.Repeat(" 1", 500) + "\n##END="
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bomb.jdx")
			if err := os.WriteFile(path, []byte(text()), 0o600); err != nil {
				t.Fatal(err)
			}
			bounded(t, "described", func() {
				f, err := os.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if d, err := describe(f, "bomb.jdx"); err == nil {
					d.Text()
				}
			})
			d, err := build(*settings(), driver.Env{Device: "t"})
			if err != nil {
				t.Fatal(err)
			}
			sink := &forgetful{Sink: drivertest.NewSink()}
			// bad or good: it is the cost that counts
			bounded(t, "taken", func() { _ = d.(*instrument).file(context.Background(), sink, path) })
		})
	}
}

func bounded(t *testing.T, what string, f func()) {
	t.Helper()
	cost := drivertest.Memory(t, f)
	t.Logf("%s: %d MB", what, cost>>20)
	if cost > drivertest.MaxDocumentBytes {
		t.Errorf("%s: costs %d MB, more than %d", what, cost>>20, int64(drivertest.MaxDocumentBytes)>>20)
	}
}

// forgetful is a sink that streams artifacts away, as the journal does to its disk.
type forgetful struct{ *drivertest.Sink }

// StoreArtifact implements driver.Sink.
func (s *forgetful) StoreArtifact(ctx context.Context, r io.Reader, mediaType,
	name string) (*observation.Artifact, error) {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return nil, err
	}
	return s.Sink.StoreArtifact(ctx, strings.NewReader(name), mediaType, name)
}
