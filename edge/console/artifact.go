package console

import (
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"lanewarden/drivers"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

// open returns the artifact of a name; it answers the request when there is none.
func (c *Console) open(w http.ResponseWriter, name string) (observation.ArtifactReader, int64) {
	sum, err := hex.DecodeString(name)
	if err != nil || len(sum) != 32 {
		http.Error(w, fmt.Sprintf("%.80q is no SHA-256: write 64 hexadecimal digits", name), http.StatusBadRequest)
		return nil, 0
	}
	r, size, err := c.Journal.OpenArtifact(sum)
	switch {
	case errors.Is(err, journal.ErrNoArtifact):
		http.Error(w, err.Error(), http.StatusNotFound)
		return nil, 0
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return nil, 0
	}
	return r, size
}

// artifact serves GET /v1/artifacts/{sha256}: its bytes, or ranges of them.
func (c *Console) artifact(w http.ResponseWriter, r *http.Request) {
	a, _ := c.open(w, r.PathValue("sha256"))
	if a == nil {
		return
	}
	defer a.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	if t := r.URL.Query().Get("type"); t == "image/jpeg" || t == "image/png" { // what a page may show; all else is only saved
		w.Header().Set("Content-Type", t)
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("ETag", strconv.Quote(r.PathValue("sha256")))
	http.ServeContent(w, r, "", time.Time{}, a)
}

const (
	pictureMax  = 4096 // pixels, longest side
	maxPartners = 8
)

// picture serves GET /v1/artifacts/{sha256}/picture?max=1024&region=x,y,w,h&window=0.2,0.5&exact=&invert=&log=&equalise=&with=SHA256: a PNG.
func (c *Console) picture(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	view, err := parseView(q)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var sources []driver.Source
	for _, name := range append([]string{r.PathValue("sha256")}, q["with"]...) {
		a, size := c.open(w, name)
		if a == nil {
			return
		}
		defer a.Close()
		sources = append(sources, driver.Source{ReaderAt: a, Size: size})
	}
	view.With = sources[1:]
	select {
	case c.drawing <- struct{}{}:
	case <-r.Context().Done():
		return
	}
	drawn, err := drivers.Draw(sources[0], view)
	<-c.drawing
	if err != nil {
		http.Error(w, "the artifact cannot be drawn: "+err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "private, max-age=86400, immutable")
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(w, drawn); err != nil {
		c.Log.Debug("picture", "err", err)
	}
}

// parseView reads how a picture is to be drawn.
func parseView(q url.Values) (v driver.View, err error) {
	flag := func(name string) bool { return q.Has(name) && q.Get(name) != "false" && q.Get(name) != "0" }
	v = driver.View{Exact: flag("exact"), Invert: flag("invert"), Log: flag("log"), Equalise: flag("equalise")}
	if s := q.Get("max"); s != "" {
		if v.MaxSide, err = strconv.Atoi(s); err != nil || v.MaxSide < 1 || v.MaxSide > pictureMax {
			return v, fmt.Errorf("max=%q is not a number from 1 to %d", s, pictureMax)
		}
	}
	if s := q.Get("window"); s != "" {
		if _, err := fmt.Sscanf(s, "%g,%g", &v.Dark, &v.Light); err != nil || !(0 <= v.Dark && v.Dark < v.Light && v.Light <= 1) {
			return v, fmt.Errorf("window=%q: write DARK,LIGHT, shares from 0 to 1, the first one smaller", s)
		}
	}
	if len(q["with"]) > maxPartners {
		return v, fmt.Errorf("%d %s beside the first; at most %d",
			len(q["with"]), english.PluralWord(len(q["with"]), "file", ""), maxPartners)
	}
	s := q.Get("region")
	if s == "" {
		return v, nil
	}
	var n []int
	for _, part := range strings.Split(s, ",") {
		k, err := strconv.Atoi(part)
		if err != nil || k < 0 || k > 1<<20 {
			return v, fmt.Errorf("region=%q: write x,y,width,height in pixels", s)
		}
		n = append(n, k)
	}
	if len(n) != 4 || n[2] == 0 || n[3] == 0 {
		return v, fmt.Errorf("region=%q: write x,y,width,height in pixels", s)
	}
	v.Region = image.Rect(n[0], n[1], n[0]+n[2], n[1]+n[3])
	return v, nil
}
