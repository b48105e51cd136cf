package e2e

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/dicos/sim"
)

// send is a file for dcmtk's storescu, and the option that proposes its transfer syntax.
type send struct {
	path, option string
	told         bool // that it was stored
}

// dataSet returns what stands after a file's meta group, which sender and receiver each write their own of.
func dataSet(t *testing.T, file []byte) []byte {
	t.Helper()
	f, err := dicom.ReadHeader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	length := f.Meta.Find(dicom.FileMetaLength).Ints()
	if len(length) != 1 {
		t.Fatal("file without a meta group")
	}
	set := file[132+12+length[0]:]
	if !f.Syntax.Deflated() {
		return set
	}
	set, err = io.ReadAll(flate.NewReader(bytes.NewReader(set))) // storescu deflates anew
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// makeFiles makes a DX image, a threat report and a CT volume in every transfer syntax, with dcmtk's compressors.
func makeFiles(t *testing.T, dir string) (out []*send) {
	write := func(name string, data []byte, option string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		out = append(out, &send{path: path, option: option})
		return path
	}
	n := 0
	last := []byte("2.25.4242")
	renamed := func(data []byte) []byte { // an instance of its own, so that each is another object
		n++
		last = fmt.Appendf(nil, "2.25.4%03d", n)
		return bytes.ReplaceAll(data, []byte("2.25.4242"), last)
	}
	scan := sim.Scan{Seed: 4242, Rows: 120, Columns: 360, At: time.Unix(1_800_000_000, 0), OOI: "MSCU1234565", Threat: true}
	var dx, tdr bytes.Buffer
	for _, err := range []error{scan.WriteImage(&dx), scan.WriteReport(&tdr)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	ct := bytes.ReplaceAll(dx.Bytes(), []byte("1.2.840.10008.5.1.4.1.1.501.2.1"), []byte("1.2.840.10008.5.1.4.1.1.501.1\x00\x00"))
	for kind, plain := range map[string][]byte{"dx": dx.Bytes(), "ct": ct, "tdr": tdr.Bytes()} {
		for _, m := range []struct {
			name, option string
			command      []string
		}{
			{"implicit", "-xi", []string{"dcmconv", "+ti"}}, {"explicit", "-x=", []string{"dcmconv", "+te"}}, {"deflated", "-xd", []string{"dcmconv", "+td"}},
			{"rle", "-xr", []string{"dcmcrle"}}, {"jpegls", "-xt", []string{"dcmcjpls"}}, {"near", "-xu", []string{"dcmcjpls", "+en", "+md", "3"}},
			{"jpeg", "-xs", []string{"dcmcjpeg", "+e1"}},
		} {
			if kind == "tdr" && strings.HasPrefix(m.command[0], "dcmc") && m.command[0] != "dcmconv" {
				continue // nothing to compress
			}
			in, path := filepath.Join(dir, "in"), filepath.Join(dir, "out")
			if err := os.WriteFile(in, renamed(plain), 0o600); err != nil {
				t.Fatal(err)
			}
			if text, err := exec.Command(m.command[0], append(m.command[1:], in, path)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %v %s", m.command, err, text)
			}
			made, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(kind+"-"+m.name+".dcs", made, m.option)
			if m.name == "jpegls" && kind == "dx" { // JPEG 2000 is kept as it comes: any bytes will do
				write("dx-jpeg2000.dcs", renamed(bytes.ReplaceAll(bytes.ReplaceAll(made, last, []byte("2.25.4242")), []byte("1.2.840.10008.1.2.4.80"), []byte("1.2.840.10008.1.2.4.90"))), "-xv")
			}
		}
	}
	return out
}

// TestDcmtk lets dcmtk send images, reports and volumes in every transfer syntax, over eight associations at once, while others
// break off, ask for the wrong title, or bring what is no DICOS object. The ledger holds exactly what was told to be stored.
func TestDcmtk(t *testing.T) {
	t.Parallel()
	peer.Need(t, peer.Dcmtk)
	w := newWorld(t, options{noPortal: true})
	_, port, _ := net.SplitHostPort(w.dicom)
	w.waitFor("the receiver", 20*time.Second, func() bool { return exec.Command("echoscu", "-aec", "LANE", "127.0.0.1", port).Run() == nil })
	dir := t.TempDir()
	files := makeFiles(t, dir)

	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, f := range files {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			out, err := exec.Command("storescu", "-v", "-R", f.option, "-aec", "LANE", "127.0.0.1", port, f.path).CombinedOutput()
			f.told = err == nil && strings.Contains(string(out), "Success")
			if !f.told {
				t.Errorf("%s: %v\n%s", filepath.Base(f.path), err, out)
			}
		})
	}
	// One that is killed in mid-transfer: a large image over a slow pipe.
	wg.Go(func() {
		big := filepath.Join(dir, "big.dcs")
		f, err := os.Create(big)
		if err != nil {
			t.Error(err)
			return
		}
		err = scanOf(77, 200<<20).WriteImage(f)
		f.Close()
		cmd := exec.Command("storescu", "-R", "-aec", "LANE", "127.0.0.1", port, big)
		if err := cmd.Start(); err != nil {
			t.Error(err)
			return
		}
		time.Sleep(150 * time.Millisecond)
		cmd.Process.Kill()
		if cmd.Wait() == nil || err != nil {
			t.Error("the transfer that was to be killed was done before")
		}
	})
	wg.Wait()
	if out, err := exec.Command("storescu", "-R", "-aec", "OTHER", "127.0.0.1", port, files[0].path).CombinedOutput(); err == nil || !strings.Contains(string(out), "Called AE Title Not Recognized") {
		t.Errorf("wrong AE title: %v %s", err, out)
	}
	mr := filepath.Join(dir, "mr.dcs") // MR, which is no security image
	data, err := os.ReadFile(files[0].path)
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range []string{"1.2.840.10008.5.1.4.1.1.501.2.1", "1.2.840.10008.5.1.4.1.1.501.1\x00\x00", "1.2.840.10008.5.1.4.1.1.501.3\x00\x00", "1.2.840.10008.5.1.4.1.1.501.3", "1.2.840.10008.5.1.4.1.1.501.1"} {
		data = bytes.ReplaceAll(data, []byte(class), append([]byte("1.2.840.10008.5.1.4.1.1.4"), make([]byte, len(class)-25)...))
	}
	if err := os.WriteFile(mr, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("storescu", "-v", "-R", "-aec", "LANE", "127.0.0.1", port, mr).CombinedOutput(); err == nil {
		t.Errorf("an unknown SOP class was taken:\n%s", out)
	}

	w.waitFor("the hub to have everything", time.Minute, w.drained)
	want := map[[32]byte]string{}
	for _, f := range files {
		if data, err := os.ReadFile(f.path); err == nil && f.told {
			want[sha256.Sum256(dataSet(t, data))] = filepath.Base(f.path)
		}
	}
	_, all := imagesOf(t, w)
	kept := 0
	for sum := range all {
		resp, body, err := w.get(sum, "")
		if err != nil || sha256.Sum256(body) != sum {
			t.Fatalf("artifact %x: %v", sum[:4], err)
		}
		if resp.Header.Get("Content-Type") != "application/dicom" {
			continue // previews
		}
		kept++
		of := sha256.Sum256(dataSet(t, body))
		if want[of] == "" {
			t.Errorf("the ledger holds %x, whose sender was not told that it is stored: %s, %d bytes", sum[:4], resp.Header.Get("Content-Disposition"), len(body))
		}
		delete(want, of)
	}
	for _, name := range want {
		t.Errorf("%s was told to be stored, and is not in the ledger", name)
	}
	t.Logf("%d files sent, %d in the ledger, byte for byte", len(files), kept)
}
