package api

import (
	"context"
	"image"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/xray/picture"
	"lanewarden/drivers/xray/pixel"
)

// ValuesQuery is the request of GET /v1/artifacts/{sha256}/values.
type ValuesQuery struct {
	SHA256 Hash   `path:"sha256"`
	Region string `query:"region"`                     // x,y,width,height in the image's own pixels; all without it
	Max    int    `query:"max" min:"16" max:"1048576"` // longest side: a larger region is made smaller by averaging
}

// ValuesMedia is the media type of an image's values.
const ValuesMedia = "application/vnd.lanewarden.values"

// valuesTime bounds how long an answer with values takes: a reader that stands still must not keep others waiting.
const valuesTime = 15 * time.Minute

// Drawing lets some requests at a time decode images, for each takes a core.
type Drawing chan struct{}

// NewDrawing returns a Drawing for n requests at a time.
func NewDrawing(n int) Drawing { return make(Drawing, n) }

// Do runs a function when its turn has come. It returns the function's error, or that of ctx when that ends before.
func (d Drawing) Do(ctx context.Context, draw func() error) error {
	select {
	case d <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d }()
	return draw()
}

// ServeValues answers with the values of an image of size bytes. The answer may be cached for good: the address names
// contents by their hash. An answer that breaks off is cut, so that no reader takes it for the whole.
func (d Drawing) ServeValues(w http.ResponseWriter, r *http.Request, in ValuesQuery, src io.ReaderAt, size int64, log *slog.Logger) error {
	var region image.Rectangle
	if in.Region != "" {
		var err error
		if region, err = ParseRegion(in.Region); err != nil {
			return err
		}
	}
	begun := false
	err := d.Do(r.Context(), func() error {
		i, err := pixel.Open(src, size)
		if err != nil {
			return err
		}
		return picture.WriteValues(w, i, region, in.Max, func() {
			begun = true
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(valuesTime)) // servers in tests have none
			w.Header().Set("Content-Type", ValuesMedia)
			w.Header().Set("X-Content-Type-Options", "nosniff")
			w.Header().Set("Cache-Control", "private, max-age=86400, immutable")
		})
	})
	switch {
	case err == nil || r.Context().Err() != nil:
		return nil
	case begun:
		log.Debug("the values of an image break off", "artifact", in.SHA256.String(), "err", err)
		panic(http.ErrAbortHandler)
	}
	return NewProblem(NotDrawable, message.New("api.not-drawable", message.CausedBy(err)))
}

// maxPixel bounds the numbers of a region, so that their sums stay small.
const maxPixel = 1 << 20

// ParseRegion parses x,y,width,height in pixels. Width and height are at least 1; what is wrong is 400.
func ParseRegion(text string) (image.Rectangle, error) {
	var n []int
	for part := range strings.SplitSeq(text, ",") {
		k, err := strconv.Atoi(part)
		if err != nil || k < 0 || k > maxPixel {
			n = nil
			break
		}
		n = append(n, k)
	}
	if len(n) != 4 || n[2] == 0 || n[3] == 0 {
		return image.Rectangle{}, NewProblem(BadRequest, message.New("api.region", message.Quoted("value", text)))
	}
	return image.Rect(n[0], n[1], n[0]+n[2], n[1]+n[3]), nil
}
