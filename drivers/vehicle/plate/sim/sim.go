// Package sim is a plate reader, simulated from its side: it reads a plate as cameras do, sometimes wrongly, and
// posts it as one of the vendors does until it was taken.
package sim

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	mathrand "math/rand/v2"
	"mime/multipart"
	"net/http"
	"time"

	"lanewarden/drivers/transport/wait"
)

// Camera is a plate reader. Its methods may not be called at the same time: they share Rand.
type Camera struct {
	URL, Token string
	ID         string
	Vendor     string        // openalpr or platerecognizer
	ClockError time.Duration // of its clock, added to each time
	Rand       *mathrand.Rand
	Right      float64 // share of plates that are read right, 0 to 1
}

// confusions are characters that readers take for one another.
var confusions = map[byte]byte{'0': 'O', 'O': '0', '1': 'I', 'I': '1', '8': 'B', 'B': '8',
	'5': 'S', 'S': '5', '2': 'Z', 'Z': '2', '6': 'G', 'G': '6', 'D': '0'}

// Misread returns a plate as a reader reads it, rightly in a share of cases, with its confidence, 0 to 1. A wrong
// one has one wrong character, a look-alike mostly. plate must not be empty.
func Misread(rng *mathrand.Rand, plate string, right float64) (string, float64) {
	if rng.Float64() < right {
		return plate, 0.85 + 0.14*rng.Float64()
	}
	b := []byte(plate)
	at := rng.IntN(len(b))
	for i := range b { // a look-alike is likelier than anything else
		if other, ok := confusions[b[(at+i)%len(b)]]; ok && rng.Float64() < 0.7 {
			b[(at+i)%len(b)] = other
			return string(b), 0.6 + 0.3*rng.Float64()
		}
	}
	b[at] = byte('A' + rng.IntN(26))
	return string(b), 0.5 + 0.3*rng.Float64()
}

// Payload makes a post's body and content type: JSON of Rekor's Scout ("openalpr"), else Plate Recognizer's
// multipart hook with a picture.
func (c *Camera) Payload(plate string, confidence float64, at time.Time) (body []byte, contentType string, err error) {
	at = at.Add(c.ClockError)
	if c.Vendor == "openalpr" {
		id := make([]byte, 8)
		rand.Read(id)
		body, err = json.Marshal(map[string]any{
			"data_type": "alpr_group", "version": 3, "best_uuid": fmt.Sprintf("%s-%x", c.ID, id),
			"best_plate_number": plate, "best_confidence": 100 * confidence,
			"best_region": "us-mi", "epoch_start": at.UnixMilli(), "epoch_end": at.Add(time.Second).UnixMilli(),
			"camera_id": c.ID, "travel_direction": 180.0,
			"candidates": []any{map[string]any{"plate": plate, "confidence": 100 * confidence}},
		})
		return body, "application/json", err
	}
	text, err := json.Marshal(map[string]any{
		"hook": map[string]any{"target": c.URL, "id": c.ID, "event": "recognition",
			"filename": c.ID + "_screenshots/image.jpg"},
		"data": map[string]any{
			"camera_id": c.ID, "filename": "image.jpg", "timestamp": at.Format("2006-01-02T15:04:05.000000Z07:00"),
			"timestamp_local": at.Format("2006-01-02 15:04:05.000000Z07:00"),
			"results": []any{map[string]any{
				"plate": plate, "score": confidence, "dscore": 0.9,
				"region":     map[string]any{"code": "ca-on", "score": 0.6},
				"vehicle":    map[string]any{"type": "Big Truck", "score": 0.7},
				"box":        map[string]any{"xmin": 153, "ymin": 91, "xmax": 302, "ymax": 125},
				"candidates": []any{map[string]any{"plate": plate, "score": confidence}}, "direction": 180,
			}},
		},
	})
	if err != nil {
		return nil, "", err
	}
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	if err := w.WriteField("json", string(text)); err != nil {
		return nil, "", err
	}
	part, err := w.CreateFormFile("upload", "image.jpg")
	if err != nil {
		return nil, "", err
	}
	if err := c.picture(part); err != nil {
		return nil, "", err
	}
	err = w.Close()
	return out.Bytes(), w.FormDataContentType(), err
}

// picture draws a grey picture with a light plate in it.
func (c *Camera) picture(w io.Writer) error {
	m := image.NewGray(image.Rect(0, 0, 320, 240))
	shade := uint8(40 + c.Rand.IntN(60))
	for y := range 240 {
		for x := range 320 {
			v := shade + uint8(y/8)
			if x > 153 && x < 302 && y > 91 && y < 125 {
				v = 220
			}
			m.SetGray(x, y, color.Gray{Y: v})
		}
	}
	return jpeg.Encode(w, m, nil)
}

// Post posts a read until it was taken, or ctx ends. It repeats after 5xx and broken connections, waiting up to 10
// s; a 4xx is an error at once.
func (c *Camera) Post(ctx context.Context, plate string, at time.Time) error {
	read, confidence := Misread(c.Rand, plate, c.Right)
	body, kind, err := c.Payload(read, confidence, at)
	if err != nil {
		return err
	}
	pauses := wait.NewBackoff(100*time.Millisecond, 10*time.Second)
	for {
		code, err := c.post(ctx, body, kind)
		if err == nil && code == http.StatusOK {
			return nil
		}
		if code >= 400 && code < 500 {
			return fmt.Errorf("%s refuses the read: status %d", c.URL, code)
		}
		if err := pauses.Pause(ctx); err != nil {
			return err
		}
	}
}

func (c *Camera) post(ctx context.Context, body []byte, kind string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", kind)
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
