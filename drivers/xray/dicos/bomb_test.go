package dicos

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/xray/dicom"
)

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

// TestBombs holds hostile objects against the bound on memory, as lanectl describes them and as the driver takes
// them, from folder or network.
func TestBombs(t *testing.T) {
	drivertest.WithoutRace(t)
	head := func(syntax string) []byte {
		var b bytes.Buffer
		if err := dicom.WriteMeta(&b, storageRoot+"501.2.1", "1.2.3", dicom.Syntax{UID: syntax}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	element := func(tag, vr string, value string) string {
		switch vr {
		case "UT", "OB", "UN":
			return tag + vr + "\x00\x00" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(value)))) + value
		}
		return tag + vr + string(binary.LittleEndian.AppendUint16(nil, uint16(len(value)))) + value
	}
	const class, instance, text = "\x08\x00\x16\x00", "\x08\x00\x18\x00", "\x08\x00\x80\x00"
	plain := element(class, "UI", storageRoot+"501.2.1") + element(instance, "UI", "1.2.3\x00")
	const sequence, item = "\x10\x40\x11\x10SQ\x00\x00\xff\xff\xff\xff", "\xfe\xff\x00\xe0\xff\xff\xff\xff"
	deflated := func(n int, part string) []byte {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			io.WriteString(w, part)
		}
		w.Close()
		return append(head(dicom.DeflatedLE), b.Bytes()...)
	}
	explicit := func(n int, part string) []byte {
		return append(head(dicom.ExplicitLE), plain+strings.Repeat(part, n)...)
	}
	for name, raw := range map[string]func() []byte{ // made one at a time: what the test holds must not count
		"elements":     func() []byte { return explicit(2_000_000, element(text, "LO", "")) },
		"small values": func() []byte { return explicit(99_000, element(text, "LO", strings.Repeat("x", 160))) },
		"texts":        func() []byte { return explicit(16, element(text, "UT", strings.Repeat("é", 1<<19))) },
		"escapes": func() []byte {
			return explicit(16, element("\x08\x00\x05\x00", "CS", `\ISO 2022 IR 87`)+
				element(text, "UT", strings.Repeat("\x1b$B;3\x1b(B", 1<<17)))
		},
		"numbers":     func() []byte { return explicit(250, element(text, "DS", strings.Repeat(`1\`, 32_000))) },
		"backslashes": func() []byte { return explicit(16, element(class, "UT", strings.Repeat(`\`, 1<<20))) },
		"character sets": func() []byte {
			return explicit(250, element("\x08\x00\x05\x00", "CS", strings.Repeat(`\`, 65_000)))
		},
		"deep": func() []byte { return explicit(500_000, sequence+item) },
		"items": func() []byte {
			return append(explicit(1, sequence), strings.Repeat("\xfe\xff\x00\xe0\x00\x00\x00\x00", 2_000_000)...)
		},
		"values":            func() []byte { return explicit(20, element(text, "OB", strings.Repeat("x", 1<<20))) },
		"a value":           func() []byte { return explicit(1, element(text, "OB", strings.Repeat("x", 20<<20))) },
		"deflated elements": func() []byte { return deflated(2_000_000, element(text, "LO", "")) },
		"deflated values":   func() []byte { return deflated(64, element(text, "UT", strings.Repeat("x", 1<<20))) },
		"fragments": func() []byte {
			return append(explicit(1, "\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff"),
				strings.Repeat("\xfe\xff\x00\xe0\x00\x00\x00\x00", 2_000_000)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			object := raw()
			bounded := func(what string, f func()) {
				cost := drivertest.Memory(t, f)
				t.Logf("%s: %d MB", what, cost>>20)
				if cost > drivertest.MaxDocumentBytes {
					t.Errorf("%s: costs %d MB, more than %d", what, cost>>20, int64(drivertest.MaxDocumentBytes)>>20)
				}
			}
			bounded("described", func() {
				if d, err := describe(bytes.NewReader(object), "bomb"); err == nil {
					d.Text()
				}
			})
			s := newSystem(*settings("", ""), driver.Env{}, time.UTC)
			sink := &forgetful{Sink: drivertest.NewSink()}
			// bad or good: the cost counts
			bounded("taken", func() { _ = s.handleObject(context.Background(), sink, bytes.NewReader(object), "bomb", "test") })
		})
	}
}
