// Package web is the pages of the consoles: plain ES modules, served as they are edited, without a build step. docs/web.md.
package web

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"

	"lanewarden/drivers/message"
)

//go:embed static
var embedded embed.FS

// inline is the import map, the one script that stands in the page itself.
var inline = regexp.MustCompile(`(?s)<script type="importmap">(.*?)</script>`)

// Handler serves the pages, and index for "/": Lane or Fleet. They change only with the program, and browsers ask each time whether they did.
func Handler(index string) http.Handler {
	files, err := fs.Sub(embedded, "static")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	p := pages{index: "/" + index, policy: policy(files), tags: map[string]string{}}
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		sum := sha256.Sum256(text)
		p.tags["/"+name] = `"` + hex.EncodeToString(sum[:8]) + `"`
		return err
	})
	if err != nil {
		panic(err)
	}
	p.files = http.FileServerFS(files)
	return p
}

// policy is the Content-Security-Policy: nothing but what we serve ourselves, and the import map by its hash.
func policy(files fs.FS) string {
	hashes := ""
	pages, err := fs.Glob(files, "*.html")
	if err != nil {
		panic(err)
	}
	for _, page := range pages {
		text, err := fs.ReadFile(files, page)
		if err != nil {
			panic(err)
		}
		for _, m := range inline.FindAllSubmatch(text, -1) {
			sum := sha256.Sum256(m[1])
			if h := " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(hashes, h) {
				hashes += h
			}
		}
	}
	return fmt.Sprintf("default-src 'none'; script-src 'self'%s; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", hashes)
}

// The pages to begin with.
const (
	Lane  = "lane.html"
	Fleet = "fleet.html"
)

type pages struct {
	index  string
	files  http.Handler
	policy string
	tags   map[string]string
}

// types of what is served, whatever the machine's own list says.
var types = map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".svg": "image/svg+xml", ".json": "application/json"}

func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" {
		r = r.Clone(r.Context())
		r.URL.Path = p.index
	}
	h := w.Header()
	h.Set("Content-Security-Policy", p.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	tag, ok := p.tags[path.Clean(r.URL.Path)]
	if !ok {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		no := message.New("api.no-page", message.Quoted("path", r.URL.Path))
		fmt.Fprintf(w, "404: %s\n404\u00a0: %s\n", no.In(message.English), no.In(message.French))
		return
	}
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", tag)
	if t, ok := types[path.Ext(r.URL.Path)]; ok {
		h.Set("Content-Type", t)
	}
	p.files.ServeHTTP(w, r)
}
