package console

import (
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"

	"lanewarden/drivers"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
)

// open opens an artifact and returns its size in bytes; one that the journal does not name is 404.
// The caller closes it.
func (c *Console) open(h api.Hash) (observation.ArtifactReader, int64, error) {
	r, size, err := c.Journal.OpenArtifact(h[:])
	if errors.Is(err, journal.ErrNoArtifact) {
		err = api.ProblemOf(api.NotFound, err)
	}
	return r, size, err
}

// artifact serves api.GetArtifact, with ranges. Only two types of images are shown in the page:
// everything else is offered for saving, since the agent's own origin must not run what a device
// sent.
func (c *Console) artifact(w http.ResponseWriter, r *api.Call, in api.ArtifactQuery) error {
	a, _, err := c.open(in.SHA256)
	if err != nil {
		return err
	}
	defer a.Close()
	c.noteLook(r, message.New("look.artifact", message.String("artifact", in.SHA256.String())))
	if in.Type != "image/jpeg" && in.Type != "image/png" { // what a page may show; all else is only saved
		in.Type = ""
	}
	api.ServeArtifact(w, r.Request, in.SHA256, in.Type, a)
	return nil
}

// picture serves api.GetPicture: an image of the artifact drawn for a page, as PNG. One picture is
// drawn at a time, as that takes a core. The answer may be cached for good: the address names
// contents by their hash.
func (c *Console) picture(w http.ResponseWriter, r *api.Call, in api.PictureQuery) error {
	view, err := viewOf(&in)
	if err != nil {
		return err
	}
	sources, err := c.openAll(in)
	for _, s := range sources {
		defer s.ReaderAt.(io.Closer).Close()
	}
	if err != nil {
		return err
	}
	view.With = sources[1:]
	c.noteLook(r, message.New("look.artifact", message.String("artifact", in.SHA256.String())))
	var drawn image.Image
	err = c.drawing.Do(r.Context(), func() (err error) {
		drawn, err = drivers.Draw(sources[0], view)
		return err
	})
	if r.Context().Err() != nil {
		return r.Context().Err()
	}
	if err != nil {
		return api.NewProblem(api.NotDrawable, message.New("api.not-drawable", message.CausedBy(err)))
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "private, max-age=86400, immutable")
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(w, drawn); err != nil {
		c.Log.Debug("picture", "err", err)
	}
	return nil
}

// values serves api.GetValues: an X-ray image at its full depth.
func (c *Console) values(w http.ResponseWriter, r *api.Call, in api.ValuesQuery) error {
	a, size, err := c.open(in.SHA256)
	if err != nil {
		return err
	}
	defer a.Close()
	c.noteLook(r, message.New("look.artifact", message.String("artifact", in.SHA256.String())))
	return c.reading.ServeValues(w, r.Request, in, a, size, c.Log)
}

// openAll opens the artifacts that a picture is made of, the one to be drawn first. With an error
// it returns those that it has opened, which the caller closes.
func (c *Console) openAll(in api.PictureQuery) (out []driver.Source, err error) {
	hashes := []api.Hash{in.SHA256}
	for _, name := range in.With {
		var h api.Hash
		if err := h.UnmarshalText([]byte(name)); err != nil {
			return nil, api.NewProblem(api.BadRequest, message.New("api.parameter", message.String("name", "with"), message.CausedBy(err)))
		}
		hashes = append(hashes, h)
	}
	for _, h := range hashes {
		a, size, err := c.open(h)
		if err != nil {
			return out, err
		}
		out = append(out, driver.Source{ReaderAt: a, Size: size})
	}
	return out, nil
}

// viewOf returns how a picture is to be drawn. window is two shares of the range of grey values,
// dark and light.
func viewOf(in *api.PictureQuery) (v driver.View, err error) {
	v = driver.View{MaxSide: in.Max, Exact: in.Exact, Invert: in.Invert, Log: in.Log, Equalise: in.Equalise}
	if in.Window != "" {
		_, err := fmt.Sscanf(in.Window, "%g,%g", &v.Dark, &v.Light)
		if err != nil || !(0 <= v.Dark && v.Dark < v.Light && v.Light <= 1) {
			return v, api.NewProblem(api.BadRequest, message.New("api.window", message.Quoted("value", in.Window)))
		}
	}
	if in.Region != "" {
		v.Region, err = api.ParseRegion(in.Region)
	}
	return v, err
}
