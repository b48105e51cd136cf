package e2e

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/dicos/sim"
	"lanewarden/drivers/xray/dimse"
)

// hostile is objects that try to cost more than they are: their data sets in explicit little endian.
func hostile(t *testing.T) map[string][]byte {
	head := func() []byte {
		return []byte("\x08\x00\x16\x00UI\x20\x001.2.840.10008.5.1.4.1.1.501.2.1\x00" + "\x08\x00\x18\x00UI\x04\x001.2\x00")
	}
	element := func(group, element uint16, vr string, length uint32, value []byte) []byte {
		b := binary.LittleEndian.AppendUint16(nil, group)
		b = append(binary.LittleEndian.AppendUint16(b, element), vr...)
		if vr == "US" {
			return append(binary.LittleEndian.AppendUint16(b, uint16(length)), value...)
		}
		return append(binary.LittleEndian.AppendUint32(append(b, 0, 0), length), value...)
	}
	var deep []byte
	for range 1000 {
		deep = append(deep, element(0x4010, 0x1011, "SQ", 0xffffffff, []byte{0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff})...)
	}
	var scan bytes.Buffer
	if err := (sim.Scan{Seed: 9, Rows: 60, Columns: 100, At: time.Now()}).WriteImage(&scan); err != nil {
		t.Fatal(err)
	}
	image := dataSet(t, scan.Bytes())
	huge := bytes.Clone(image)
	for _, tag := range []byte{0x10, 0x11} { // rows and columns: 65535 x 65535 pixels in 12,000 bytes
		at := bytes.Index(huge, []byte{0x28, 0, tag, 0, 'U', 'S'})
		huge[at+8], huge[at+9] = 0xff, 0xff
	}
	return map[string][]byte{
		"a value of 4 GB":        append(head(), element(0x0009, 0x1001, "UN", 0xfffffffe, []byte("short"))...),
		"pixel data of 4 GB":     append(head(), element(0x7fe0, 0x0010, "OW", 0xfffffffe, []byte("short"))...),
		"sequences 1,000 deep":   append(head(), deep...),
		"garbage":                bytes.Repeat([]byte{0xa5, 0x3c, 0x99}, 2000),
		"cut off":                image[:len(image)-500],
		"65,535 x 65,535 pixels": huge,
		"nothing":                {},
	}
}

// TestHostileDICOM puts hostile objects into the drop folder and sends them over the network: each gets a clear reason, memory stays
// bounded, and the next object works.
func TestHostileDICOM(t *testing.T) {
	w := newWorld(t, options{noPortal: true})
	w.waitFor("the drop folder", 20*time.Second, func() bool { _, err := os.Stat(w.path("xray/bad")); return err == nil })
	good := func(seed uint64) {
		t.Helper()
		if !w.push(t.Context(), scanOf(seed, 100<<10)) {
			t.Fatal("a good scan after a hostile one was not stored")
		}
	}
	good(1)
	rest := w.rss()
	syntax, _ := dicom.SyntaxOf(dicom.ExplicitLE)
	seed := uint64(10)
	for name, data := range hostile(t) {
		var file bytes.Buffer
		if err := dicom.WriteMeta(&file, sim.ClassImage, "1.2", syntax); err != nil {
			t.Fatal(err)
		}
		file.Write(data)
		path := strings.ReplaceAll(name, " ", "-") + ".dcs"
		if err := os.WriteFile(w.path("xray/"+path), file.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		var text []byte
		w.waitFor(name+" to be dealt with", 20*time.Second, func() bool {
			var err error
			text, err = os.ReadFile(w.path("xray/bad/" + path + ".reason"))
			return err == nil && bytes.HasSuffix(text, []byte("\n")) // it is written whole
		})
		t.Logf("%s: %s", name, strings.TrimSpace(string(text)))
		if !strings.Contains(string(text), "offset") && !strings.Contains(string(text), "bytes of pixels") {
			t.Errorf("%s: the reason does not say where: %s", name, text)
		}
		client, err := dimse.Dial(t.Context(), w.dicom, "EVIL", "LANE", dimse.Offer{Class: sim.ClassImage, Syntax: syntax.UID})
		if err != nil {
			t.Fatal(err)
		}
		status, comment, err := client.Store(dimse.Object{Class: sim.ClassImage, Instance: "1.2", Syntax: syntax, Data: bytes.NewReader(data)})
		if err != nil || status != dimse.CannotUnderstand {
			t.Errorf("%s over the network: %04x %q %v", name, uint16(status), comment, err)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		seed++
		good(seed)
	}
	w.waitFor("everything to be at the hub", 30*time.Second, w.drained)
	after := w.rss()
	t.Logf("memory %.1f MB before, %.1f MB after", float64(rest)/1e3, float64(after)/1e3)
	if after > rest+60_000 {
		t.Errorf("memory grew from %d to %d kB", rest, after)
	}
	if left, err := filepath.Glob(w.path("xray/*.dcs")); err != nil || len(left) > 0 {
		t.Errorf("left in the folder: %v %v", left, err)
	}
}
