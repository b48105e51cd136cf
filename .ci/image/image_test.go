package main

import (
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// made makes the images of plans from small programs, and returns their folder. The working folder is the repository's
// root, as it is for the program.
func made(t *testing.T) string {
	t.Helper()
	t.Chdir("../..")
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	const text = "package main\n\nfunc main() { println(\"version\") }\n"
	if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, arch := range architectures {
		for _, p := range plans {
			for _, name := range p.Programs {
				to := filepath.Join(dir, "programs", arch, name)
				cmd := exec.Command("go", "build", "-ldflags", "-s -w", "-o", to, source)
				cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
				if text, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, text)
				}
			}
		}
	}
	var zones bytes.Buffer
	z := zip.NewWriter(&zones)
	w, err := z.Create("Europe/Warsaw")
	if err == nil {
		_, err = w.Write([]byte("TZif2"))
	}
	if err == nil {
		err = z.Close()
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "zoneinfo.zip"), zones.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := release{
		Version: "1.0~rc1", Revision: "abc", Date: time.Unix(1_700_000_000, 0).UTC(),
		Zones: filepath.Join(dir, "zoneinfo.zip"),
	}
	for _, out := range []string{"one", "two"} {
		if err := build(r, filepath.Join(dir, "programs"), filepath.Join(dir, out)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// What is made is right, is the same each time, and is found wrong after any change.
func TestImages(t *testing.T) {
	dir := made(t)
	diff := exec.Command("diff", "-r", filepath.Join(dir, "one"), filepath.Join(dir, "two"))
	if text, err := diff.CombinedOutput(); err != nil {
		t.Errorf("made twice, and not the same: %s", text)
	}
	out := filepath.Join(dir, "one")
	if err := checkAll(out); err != nil {
		t.Fatal(err)
	}
	hub := plans[1]
	layout := filepath.Join(out, hub.Name)
	blobs, err := filepath.Glob(filepath.Join(layout, "blobs/sha256/*"))
	// An index, the base layer, and two of each: manifest, configuration, own layer.
	if err != nil || len(blobs) != 8 {
		t.Fatalf("%d blobs: %v", len(blobs), err)
	}
	for _, file := range append(blobs, filepath.Join(layout, "index.json"), filepath.Join(layout, "oci-layout")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		broken := bytes.Clone(text)
		broken[len(broken)/2] ^= 1
		for name, content := range map[string][]byte{"changed": broken, "cut": text[:len(text)-3]} {
			if err := os.WriteFile(file, content, 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := checkLayout(os.DirFS(layout), hub, architectures); err == nil {
				t.Errorf("%s was %s, and the check saw nothing", filepath.Base(file), name)
			}
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(layout, "blobs/sha256/left"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = checkLayout(os.DirFS(layout), hub, architectures)
	if err == nil || !strings.Contains(err.Error(), "nothing names it") {
		t.Errorf("a blob that nothing names: %v", err)
	}
}

// A name in a layer cannot lead out of the folder into which it is unpacked.
func TestUnpackStaysBelow(t *testing.T) {
	text, err := pack([]entry{{Name: "../outside", Mode: 0o644}}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := unpack(bytes.NewReader(text), t.TempDir(), 1); err == nil {
		t.Error("../outside was unpacked")
	}
}
