package backup

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"lanewarden/edge/journal/keyfile"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrongPassphrase(t *testing.T) {
	s := newState(t)
	s.add(1)
	file := s.save(s.content())
	if err := refused(t, file, known("incorrect horse battery")); !errors.Is(err, keyfile.ErrPassphrase) {
		t.Error(err)
	}
	if err := refused(t, file, known("")); !errors.Is(err, keyfile.ErrPassphrase) {
		t.Error(err)
	}
	_, err := Write(t.Context(), filepath.Join(t.TempDir(), "b"), s.content(), known("short"))
	if !is(err, "backup.short-passphrase", "") {
		t.Error(err)
	}
}

// place is where a member's header and content are in a backup.
type place struct {
	name           string
	header, at, to int64
}

// places lists the members of a backup.
func places(t *testing.T, data []byte) (out []place) {
	t.Helper()
	r := bytes.NewReader(data)
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		at := int64(len(data) - r.Len())
		out = append(out, place{h.Name, at - 512, at, at + h.Size})
	}
}

// changed writes a copy of a backup.
func changed(t *testing.T, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "changed.tar")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Each member, flipped in its first, middle and last byte, is refused and named; so is a flipped header.
func TestFlippedByteIsNamed(t *testing.T) {
	s := newState(t)
	s.add(3, s.image(100_000))
	sealed := func(name string) bool { return strings.HasSuffix(name, sealedSuffix) }
	flipMembers(t, s.save(s.content()), known(passphrase), sealed)
	// Without a key it is quick: scrypt takes its time.
	flipMembers(t, s.save(s.plain()), unasked(t), func(string) bool { return true })
}

// flipMembers flips bytes of the members of a backup that are chosen by name, one at a time.
func flipMembers(t *testing.T, file string, o Options, chosen func(name string) bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range places(t, data) {
		if !chosen(p.name) {
			continue
		}
		for _, at := range []int64{p.at, (p.at + p.to) / 2, p.to - 1} {
			flipped := bytes.Clone(data)
			flipped[at] ^= 0x10
			err := refused(t, changed(t, flipped), o)
			// A flip within the manifest shows in the member whose line it is in.
			named := p.name == manifestName || strings.Contains(err.Error(), p.name)
			if !named || errors.Is(err, keyfile.ErrPassphrase) {
				t.Errorf("%s flipped at %d: %v", p.name, at-p.at, err)
			}
		}
		for _, field := range []int64{0, 107, 124, 148, 156, 257} { // name, mode, size, checksum, type, magic (POSIX ustar)
			flipped := bytes.Clone(data)
			flipped[p.header+field] ^= 0x01
			if err := refused(t, changed(t, flipped), o); errors.Is(err, keyfile.ErrPassphrase) {
				t.Errorf("header of %s flipped at %d: %v", p.name, field, err)
			}
		}
	}
}

// Whatever byte of a backup is flipped, what is restored is what was saved, or nothing is.
func TestAnyFlippedByte(t *testing.T) {
	s := newState(t)
	s.add(2)
	data, err := os.ReadFile(s.save(s.plain()))
	if err != nil {
		t.Fatal(err)
	}
	whole := contents(t, changed(t, data))
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		at, bit := random.IntN(len(data)), byte(1)<<random.IntN(8)
		flipped := bytes.Clone(data)
		flipped[at] ^= bit
		if have := contents(t, changed(t, flipped)); have != "" && have != whole {
			t.Errorf("byte %d flipped by %#x: restored something else", at, bit)
		}
	}
}

// contents restores a backup and returns its files' names and hashes, "" when it is refused.
func contents(t *testing.T, file string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	if _, err := Restore(t.Context(), file, dir, Agent, unasked(t)); err != nil {
		return ""
	}
	var out strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		fmt.Fprintf(&out, "%s %x\n", strings.TrimPrefix(name, dir), data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A backup that ends anywhere before its end is refused.
func TestCutFile(t *testing.T) {
	s := newState(t)
	s.add(3, s.image(100_000))
	data, err := os.ReadFile(s.save(s.plain()))
	if err != nil {
		t.Fatal(err)
	}
	all := places(t, data)
	cuts := []int64{0, 1, 511, 512}
	for _, p := range all {
		cuts = append(cuts, p.header, p.header+200, p.at, p.at+1, p.to-1)
	}
	for _, cut := range cuts {
		err := refused(t, changed(t, data[:cut]), unasked(t))
		if !is(err, "backup.cut", "") && !is(err, "backup.none", "") && !is(err, "backup.altered", manifestName) &&
			!is(err, "backup.missing", "") {
			t.Errorf("cut at %d: %v", cut, err)
		}
		if cut > all[1].header && is(err, "backup.none", "") {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

// made writes a tar file of members, with the right manifest.
func made(t *testing.T, change func(all []*tar.Header) []*tar.Header) string {
	t.Helper()
	list, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := newManifest(list)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	a := &archive{ctx: t.Context(), tar: tar.NewWriter(&out), manifest: m, watch: func(int64) {}}
	if err := a.writeFiles(Header{Format: format, Kind: Agent}, nil); err != nil {
		t.Fatal(err)
	}
	all := []*tar.Header{{Name: "journal/journal.db"}}
	for _, h := range change(all) {
		if h.Typeflag == 0 {
			if _, err := a.add(h.Name, 2, strings.NewReader("ab")); err != nil {
				t.Fatal(err)
			}
		} else if err := a.tar.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.end(); err != nil {
		t.Fatal(err)
	}
	return changed(t, out.Bytes())
}

// Names that lead out of the directory, links, and members that come twice are refused.
func TestHostileMembers(t *testing.T) {
	for _, c := range []struct {
		name   string
		member tar.Header
		code   string
	}{
		{"up", tar.Header{Name: "../evil"}, "backup.name"},
		{"up inside", tar.Header{Name: "journal/../../evil"}, "backup.name"},
		{"absolute", tar.Header{Name: "/tmp/evil"}, "backup.name"},
		{"not clean", tar.Header{Name: "journal//evil"}, "backup.name"},
		{"control", tar.Header{Name: "a\nb"}, "backup.name"},
		{"link", tar.Header{Name: "journal/x", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, "backup.name"},
		{"hard link", tar.Header{Name: "journal/x", Typeflag: tar.TypeLink, Linkname: "journal/journal.db"}, "backup.name"},
		{"folder", tar.Header{Name: "journal/", Typeflag: tar.TypeDir}, "backup.name"},
		{"twice", tar.Header{Name: "journal/journal.db"}, "backup.twice"},
		{"unlisted", tar.Header{Name: "journal/x", Typeflag: tar.TypeReg}, "backup.missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := made(t, func(all []*tar.Header) []*tar.Header { return append(all, &c.member) })
			if err := refused(t, file, unasked(t)); !is(err, c.code, "") && !is(err, "backup.unlisted", "") {
				t.Error(err)
			}
		})
	}
	none := made(t, func([]*tar.Header) []*tar.Header { return nil })
	if err := refused(t, none, unasked(t)); !is(err, "backup.missing", "journal.db") {
		t.Error(err)
	}
	right := made(t, func(all []*tar.Header) []*tar.Header { return all })
	if _, err := Restore(t.Context(), right, t.TempDir(), Agent, unasked(t)); err != nil {
		t.Error(err)
	}
}

func TestNoBackup(t *testing.T) {
	s := newState(t)
	s.add(1)
	for _, text := range []string{"", "nothing in particular", strings.Repeat("x", 5000)} {
		if err := refused(t, changed(t, []byte(text)), unasked(t)); !is(err, "backup.none", "") {
			t.Errorf("%.10q: %v", text, err)
		}
	}
	file := s.save(s.plain())
	if _, err := Restore(t.Context(), file, t.TempDir(), Hub, unasked(t)); !is(err, "backup.of-agent", "") {
		t.Error(err)
	}
}
