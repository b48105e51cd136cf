package api

import (
	"bytes"
	"errors"
	"image"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"lanewarden/drivers/xray/dicos/sim"
	"lanewarden/drivers/xray/picture"
)

// The values of an image, whole and in part, come as they are; what is no image, and a region outside it, are problems.
func TestServeValues(t *testing.T) {
	var file bytes.Buffer
	if err := (sim.Scan{Seed: 5, Rows: 40, Columns: 120, At: time.Unix(1_800_000_000, 0)}).WriteImage(&file); err != nil {
		t.Fatal(err)
	}
	d := NewDrawing(1)
	ask := func(in ValuesQuery, content []byte) (*httptest.ResponseRecorder, error) {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
		return w, d.ServeValues(w, r, in, bytes.NewReader(content), int64(len(content)), slog.Default())
	}
	for _, one := range []struct {
		in            ValuesQuery
		width, height int
	}{
		{ValuesQuery{}, 120, 40}, {ValuesQuery{Region: "10,5,30,20"}, 30, 20}, {ValuesQuery{Max: 60}, 60, 20},
	} {
		w, err := ask(one.in, file.Bytes())
		if err != nil || w.Header().Get("Content-Type") != ValuesMedia {
			t.Fatalf("%+v: %v %v", one.in, err, w.Header())
		}
		s, values, err := picture.ReadValues(w.Body)
		if err != nil || s.Width != one.width || s.Height != one.height || len(values) != one.width*one.height || s.Spacing == nil {
			t.Errorf("%+v: %+v, %v", one.in, s, err)
		}
	}
	for name, one := range map[string]struct {
		in      ValuesQuery
		content []byte
		want    Code
	}{
		"no region":      {ValuesQuery{Region: "1,2,3"}, file.Bytes(), BadRequest},
		"outside":        {ValuesQuery{Region: "100,0,30,10"}, file.Bytes(), NotDrawable},
		"no image":       {ValuesQuery{}, []byte("GIF89a"), NotDrawable},
		"pixels cut off": {ValuesQuery{}, file.Bytes()[:file.Len()-100], NotDrawable},
	} {
		var p *Problem
		if _, err := ask(one.in, one.content); !errors.As(err, &p) || p.Code != one.want {
			t.Errorf("%s: %v, want %s", name, err, one.want)
		}
	}
	if r, err := ParseRegion("1,2,3,4"); err != nil || r != image.Rect(1, 2, 4, 6) {
		t.Errorf("region %v, %v", r, err)
	}
}
