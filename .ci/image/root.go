package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// entry is a file or folder of a root file system.
type entry struct {
	Name    string // without the leading /; a folder's ends with /
	Mode    int64
	Owner   int // user and group
	Content []byte
}

// baseEntries are what every image has beside its programs: accounts, the roots of Mozilla's certificate store, time
// zones, and the licences of what is linked into the programs. Certificates and zones are those that tools.mod and the
// Go distribution pin, not this machine's, which may have authorities of its own.
func baseEntries(r release) ([]entry, error) {
	all := []entry{
		{Name: "tmp/", Mode: 0o1777},
		{Name: "etc/passwd", Mode: 0o644, Content: []byte("root:x:0:0:root:/root:/sbin/nologin\n" +
			fmt.Sprintf("lanewarden:x:%d:%d:Lanewarden:/nonexistent:/sbin/nologin\n", nobody, nobody))},
		{Name: "etc/group", Mode: 0o644, Content: []byte(fmt.Sprintf("root:x:0:\nlanewarden:x:%d:\n", nobody))},
		// Go's resolver asks files before DNS when this says so.
		{Name: "etc/nsswitch.conf", Mode: 0o644, Content: []byte("hosts: files dns\n")},
		{Name: "etc/ssl/certs/ca-certificates.crt", Mode: 0o644, Content: roots()},
		{Name: "usr/share/doc/lanewarden/ca-certificates", Mode: 0o644, Content: []byte(rootsNotice)},
	}
	for name, source := range map[string]string{
		"LICENSE": "LICENSE", "THIRD_PARTY_NOTICES": "THIRD_PARTY_NOTICES",
		// glibc, of which static programs contain parts
		"glibc-copyright": "/usr/share/doc/libc6-dev/copyright", "LGPL-2.1": "/usr/share/common-licenses/LGPL-2.1",
	} {
		text, err := os.ReadFile(source)
		if err != nil {
			return nil, err
		}
		all = append(all, entry{Name: "usr/share/doc/lanewarden/" + name, Mode: 0o644, Content: text})
	}
	zones, err := zoneEntries(r.Zones)
	return append(all, zones...), err
}

// rootsNotice says where the certificates are from, as their licence asks.
const rootsNotice = `/etc/ssl/certs/ca-certificates.crt is made of certdata.txt of Mozilla's NSS, as the Go module
golang.org/x/crypto/x509roots/fallback has it, without the roots that Mozilla trusts with a constraint.
Mozilla Public License 2.0: https://www.mozilla.org/MPL/2.0/
`

// roots returns Mozilla's roots as a PEM file. Those that it trusts with a constraint are left out: the file could not
// say the constraint.
func roots() []byte {
	var all bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			// A bytes.Buffer takes everything.
			_ = pem.Encode(&all, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
		}
	}
	return all.Bytes()
}

// zoneEntries returns the files of a zoneinfo.zip as /usr/share/zoneinfo, where Go and glibc look for them.
func zoneEntries(file string) ([]entry, error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, fmt.Errorf("time zones: %w", err)
	}
	defer z.Close()
	var all []entry
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		text, err := readZipped(f)
		if err != nil {
			return nil, fmt.Errorf("time zone %s: %w", f.Name, err)
		}
		all = append(all, entry{Name: "usr/share/zoneinfo/" + f.Name, Mode: 0o644, Content: text})
	}
	return all, nil
}

func readZipped(f *zip.File) ([]byte, error) {
	in, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}

// entries returns the programs of an architecture, from the folder that holds them, and the plan's own folders. Only
// state and drop folders belong to the programs' user: it cannot change what it runs.
func (p plan) entries(folder string) ([]entry, error) {
	all := []entry{{Name: p.State[1:] + "/", Mode: 0o750, Owner: nobody}}
	for _, f := range p.Folders {
		e := entry{Name: f[1:] + "/", Mode: 0o755}
		if strings.HasPrefix(f, "/srv/") {
			e.Owner = nobody
		}
		all = append(all, e)
	}
	for _, name := range p.Programs {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		all = append(all, entry{Name: "usr/bin/" + name, Mode: 0o755, Content: text})
	}
	return all, nil
}

// pack makes a tar file of entries and of the folders above them, in the order of their names and with one time.
func pack(entries []entry, date time.Time) ([]byte, error) {
	made := map[string]bool{}
	for _, e := range entries {
		made[e.Name] = true
	}
	for _, e := range entries {
		for dir := path.Dir(strings.TrimSuffix(e.Name, "/")); dir != "."; dir = path.Dir(dir) {
			if !made[dir+"/"] {
				made[dir+"/"] = true
				entries = append(entries, entry{Name: dir + "/", Mode: 0o755})
			}
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.Name, b.Name) })
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		h := &tar.Header{
			Typeflag: tar.TypeReg, Name: e.Name, Size: int64(len(e.Content)), Mode: e.Mode, Uid: e.Owner, Gid: e.Owner,
			ModTime: date, Format: tar.FormatPAX,
		}
		if strings.HasSuffix(e.Name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
		if _, err := w.Write(e.Content); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return out.Bytes(), w.Close()
}
