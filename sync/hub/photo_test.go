package hub

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"image"
	"image/png"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/sync/hub/hubapi"
)

// noise returns a PNG that is larger than two chunks of the link.
func noise(t *testing.T) []byte {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 1100, 1000))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range picture.Pix {
		picture.Pix[i] = byte(random.Uint32())
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil || out.Len() <= 1<<20 {
		t.Fatal(err, out.Len())
	}
	return out.Bytes()
}

// TestPhotosOfACase: a photo that somebody adds at the centre or at the lane is in the case at both ends by its hash, and
// whoever sees the case at the centre sees it, byte for byte as it came; the lane is told nothing of its bytes.
func TestPhotosOfACase(t *testing.T) {
	_, l, as := hubWithCases(t)
	id := l.pass(1)[0]
	eventually(t, "the case at the hub", func() bool { _, code := as["max"].found(id); return code == http.StatusOK })
	ours := noise(t)
	path := casesAt + id + "/photos"
	code, text := as["max"].do(http.MethodPost, path+"?key=k1", string(ours))
	var r hubapi.CaseRecord
	if err := json.Unmarshal([]byte(text), &r); err != nil || code != http.StatusOK || len(r.Case.Attachments) != 1 {
		t.Fatalf("%d %v %.300s", code, err, text)
	}
	sum := sha256.Sum256(ours)
	name := hex.EncodeToString(sum[:])
	if a := r.Case.Attachments[0]; a.SHA256 != name || a.Media != "image/png" || a.By != "max" {
		t.Errorf("%+v", a)
	}
	if code, text := as["max"].do(http.MethodPost, path+"?key=k1", string(ours)); code != http.StatusOK || strings.Count(text, name) != 1 {
		t.Errorf("the same again: %d %.300s", code, text)
	}
	eventually(t, "the photo in the ledger", func() bool {
		code, text := as["eve"].do(http.MethodGet, path+"/"+name, "")
		return code == http.StatusOK && text == string(ours)
	})
	eventually(t, "its hash at the lane", func() bool {
		at := l.at(id).Attachments
		return len(at) == 1 && bytes.Equal(at[0].Sha256, sum[:])
	})
	theirs := append(bytes.Clone(ours), 0)[:len(ours)-1]
	file, err := l.journal.StoreArtifact(t.Context(), bytes.NewReader(theirs), "image/png", "")
	if err != nil {
		t.Fatal(err)
	}
	event := &observation.CaseEvent{Id: id, Action: observation.CaseEvent_ACTION_ATTACH, By: "tom", Role: "technician", Key: "lane 1"}
	if _, err := l.book.Attach(t.Context(), event, file); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lane's photo at the hub", func() bool {
		code, text := as["eve"].do(http.MethodGet, path+"/"+hex.EncodeToString(file.Sha256), "")
		return code == http.StatusOK && text == string(theirs)
	})
	if r, _ := as["max"].found(id); r.Case.State != string(cases.Open) || len(r.Case.Attachments) != 2 {
		t.Errorf("%+v", r.Case)
	}
	eventually(t, "who looked at it", func() bool {
		_, text := as["sue"].do(http.MethodGet, "/v1/looks?user=eve&thing="+name, "")
		var page hubapi.LookPage
		return json.Unmarshal([]byte(text), &page) == nil && len(page.Looks) == 1 && page.Looks[0].What == "artifact" && page.Looks[0].Role == "viewer"
	})
	for what, c := range map[string]struct {
		who    *browser
		method string
		path   string
		body   string
		want   int
	}{
		"a viewer adds one":         {as["eve"], http.MethodPost, path, string(ours), http.StatusForbidden},
		"another site's adds one":   {as["far"], http.MethodPost, path, string(ours), http.StatusForbidden},
		"another site's looks":      {as["far"], http.MethodGet, path + "/" + name, "", http.StatusForbidden},
		"a page":                    {as["max"], http.MethodPost, path, "<html>", http.StatusBadRequest},
		"one that is not attached":  {as["max"], http.MethodGet, path + "/" + strings.Repeat("ab", 32), "", http.StatusNotFound},
		"who looked, an expert":     {as["max"], http.MethodGet, "/v1/looks", "", http.StatusForbidden},
		"of a case that is unknown": {as["max"], http.MethodGet, casesAt + "none/photos/" + name, "", http.StatusNotFound},
	} {
		if code, text := c.who.do(c.method, c.path, c.body); code != c.want {
			t.Errorf("%s: %d %.200s, expected %d", what, code, text, c.want)
		}
	}
}
