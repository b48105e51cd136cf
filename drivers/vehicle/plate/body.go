package plate

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"

	"lanewarden/drivers/message"
)

// maxParts bounds the parts of a multipart body: a payload, and some pictures.
const maxParts = 64

// readPayload reads a body that is a payload. One of more than maxPayloadBytes is an *http.MaxBytesError, answered
// with 413 as the endpoint answers larger bodies.
func readPayload(body io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxPayloadBytes+1))
	if err == nil && len(text) > maxPayloadBytes {
		err = &http.MaxBytesError{Limit: maxPayloadBytes}
	}
	return text, err
}

// formFields are the fields of forms in which payloads come, in the order in which they are looked for.
var formFields = []string{"json", "data", "payload", "event", "body"}

// fromForm returns the payload of an urlencoded form, "json=%7B%22data%22...". Some senders declare a form and send
// JSON. A form without any of formFields is an error.
func fromForm(text []byte) ([]byte, error) {
	if looksLikePayload(text) {
		return text, nil
	}
	values, err := url.ParseQuery(string(bytes.TrimSpace(text)))
	if err != nil {
		return nil, message.Wrap(err, "plate.form")
	}
	for _, name := range formFields {
		if v := values.Get(name); v != "" {
			return []byte(v), nil
		}
	}
	return nil, message.Errorf("plate.form-without-json")
}

// looksLikePayload reports whether a text begins as JSON or XML.
func looksLikePayload(text []byte) bool {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	return len(text) > 0 && (text[0] == '{' || text[0] == '[' || text[0] == '<')
}

// eachPart calls each with every part of a multipart body, which it reads from the beginning: a body is read twice,
// for its payloads and, once those are good, for its pictures. Errors of each end it.
func eachPart(f *os.File, boundary string, each func(*multipart.Part) error) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for m, n := multipart.NewReader(f, boundary), 0; ; n++ {
		p, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return message.Wrap(err, "plate.multipart")
		}
		if n >= maxParts {
			return message.Errorf("plate.multipart-parts", message.Int("n", maxParts))
		}
		if err := each(p); err != nil {
			return err
		}
	}
}

// payloadParts finds the payloads of a multipart body that is whole: the field json, and each part that is JSON or XML
// by its type, its name or its first byte, as Hikvision's anpr.xml. Together they have the bound of one payload.
func payloadParts(f *os.File, boundary string) (texts [][]byte, err error) {
	total := 0
	err = eachPart(f, boundary, func(p *multipart.Part) error {
		r := bufio.NewReader(p)
		if p.FormName() != "json" && (isPicture(p) || !isText(p, r)) {
			_, err := io.Copy(io.Discard, r) // a body that broke off is found before anything is kept of it
			return err
		}
		one, err := readPayload(r)
		if total += len(one); err == nil && total > maxPayloadBytes {
			err = &http.MaxBytesError{Limit: maxPayloadBytes}
		}
		texts = append(texts, one)
		return err
	})
	if err == nil && len(texts) == 0 {
		err = message.Errorf("plate.multipart-empty")
	}
	return texts, err
}

// isText reports whether a part is JSON or XML: by its type, the ending of its name, or its first byte. r reads the
// part, and still does so from the beginning afterwards.
func isText(p *multipart.Part, r *bufio.Reader) bool {
	kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
	if strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "xml") {
		return true
	}
	switch strings.ToLower(path.Ext(p.FileName() + p.FormName())) {
	case ".xml", ".json":
		return true
	}
	head, _ := r.Peek(16)
	return looksLikePayload(head)
}

// isPicture reports whether a part says that it is an image, by its type or the ending of its name.
func isPicture(p *multipart.Part) bool {
	kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
	if strings.HasPrefix(kind, "image/") {
		return true
	}
	switch strings.ToLower(path.Ext(partName(p))) {
	case ".jpg", ".jpeg", ".png", ".bmp":
		return true
	}
	return false
}

// partName is the file name of a part, or its field's name where that is all it has.
func partName(p *multipart.Part) string {
	if name := p.FileName(); name != "" {
		return strings.ToValidUTF8(name, "\uFFFD")
	}
	return strings.ToValidUTF8(p.FormName(), "\uFFFD")
}

// pictureParts calls each with the pictures of a multipart body, in the order of the body: parts that say so, and
// files that are no text, which count as JPEG.
func pictureParts(f *os.File, boundary string, each func(name, mediaType string, r io.Reader) error) error {
	return eachPart(f, boundary, func(p *multipart.Part) error {
		r := bufio.NewReader(p)
		if !isPicture(p) && (p.FileName() == "" || isText(p, r)) {
			return nil
		}
		kind, _, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err != nil || !strings.HasPrefix(kind, "image/") {
			kind = "image/jpeg"
		}
		return each(partName(p), kind, r)
	})
}
