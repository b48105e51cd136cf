package plate

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"lanewarden/drivers/observation"
)

// Read is one plate of a payload.
type Read struct {
	*observation.VehiclePlate
	At       time.Time // by the camera's clock; zero when it gives none
	ID       string    // the vendor's own name of the read; may be empty
	Pictures []Picture // that the JSON itself holds
	heading  float64   // of the vehicle in the picture, degrees; NaN for none
}

// Picture is an image with its name.
type Picture struct {
	Name string
	JPEG []byte
}

// maxReads bounds the plates of one payload.
const maxReads = 64

// Decode reads a payload of any vendor that we know. A payload that holds no plate (a heartbeat) gives no reads and no error.
func Decode(text []byte) ([]Read, error) {
	var head struct {
		DataType string `json:"data_type"`
	}
	if err := decode(text, &head); err != nil {
		return nil, err
	}
	var keys map[string]json.RawMessage
	if err := decode(text, &keys); err != nil {
		return nil, err
	}
	switch {
	case head.DataType == "alpr_group":
		return openALPR(text)
	case head.DataType == "alpr_results":
		return nil, nil // single frames: their group follows
	case head.DataType != "":
		return nil, nil // heartbeat, vehicle
	case keys["UtcTime"] != nil:
		return onvif(text)
	case keys["data"] != nil:
		return plateRecognizer(text)
	case keys["results"] != nil:
		return plateRecognizer([]byte(`{"data":` + string(text) + `}`)) // the snapshot API's own form
	}
	return nil, errors.New(`is of no vendor that we know: neither "data_type" (Rekor, OpenALPR) nor "data" or "results" (Plate Recognizer) nor "UtcTime" (ONVIF)`)
}

// decode decodes JSON; the error says where it is wrong.
func decode(text []byte, v any) error {
	err := json.Unmarshal(text, v)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	offset := int64(-1)
	if errors.As(err, &syntax) {
		offset = syntax.Offset
	} else if errors.As(err, &kind) {
		offset = kind.Offset
	}
	if err == nil || offset < 0 {
		return err
	}
	before := text[:min(offset, int64(len(text)))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return fmt.Errorf("line %d, column %d: %w", line, max(column, 1), err)
}

func newRead(vendor, plate string, confidence float64) Read {
	r := Read{VehiclePlate: &observation.VehiclePlate{}, heading: math.NaN()}
	r.Plate, r.Vendor = plate, vendor
	r.Normal = Normal(plate)
	r.Skeleton = Skeleton(r.Normal)
	r.Confidence = float32(min(max(confidence, 0), 1))
	return r
}

// openALPR reads a group of Rekor's or OpenALPR's agent. Source: Rekor Scout agent documentation, "Group results".
func openALPR(text []byte) ([]Read, error) {
	type candidate struct {
		Plate      string  `json:"plate"`
		Confidence float64 `json:"confidence"`
	}
	var g struct {
		BestUUID   string   `json:"best_uuid"`
		Plate      string   `json:"best_plate_number"`
		Confidence float64  `json:"best_confidence"`
		Region     string   `json:"best_region"`
		Start      float64  `json:"epoch_start"`
		Camera     any      `json:"camera_id"`
		Direction  *float64 `json:"travel_direction"`
		Best       struct {
			Candidates []candidate `json:"candidates"`
			Crop       string      `json:"plate_crop_jpeg"`
			Corners    []struct {
				X float32 `json:"x"`
				Y float32 `json:"y"`
			} `json:"coordinates"`
		} `json:"best_plate"`
		Candidates []candidate `json:"candidates"`
		VehicleJPG string      `json:"vehicle_crop_jpeg"`
		Vehicle    struct {
			BodyType []struct {
				Name string `json:"name"`
			} `json:"body_type"`
		} `json:"vehicle"`
	}
	if err := decode(text, &g); err != nil {
		return nil, err
	}
	if g.Plate == "" {
		return nil, errors.New(`"best_plate_number" is missing`)
	}
	r := newRead("openalpr", g.Plate, g.Confidence/100)
	r.ID, r.Region = g.BestUUID, g.Region
	if g.Camera != nil {
		r.Camera = fmt.Sprint(g.Camera)
	}
	r.At = fromMillis(g.Start)
	if g.Direction != nil {
		r.heading = *g.Direction
	}
	for _, c := range append(g.Candidates, g.Best.Candidates...) {
		if len(r.Alternatives) < maxReads && Normal(c.Plate) != r.Normal {
			r.Alternatives = append(r.Alternatives, &observation.PlateRead{Plate: Normal(c.Plate), Confidence: float32(c.Confidence / 100)})
		}
	}
	for i, c := range g.Best.Corners {
		if i == 0 {
			r.BoxLeft, r.BoxRight, r.BoxTop, r.BoxBottom = c.X, c.X, c.Y, c.Y
		}
		r.BoxLeft, r.BoxRight = min(r.BoxLeft, c.X), max(r.BoxRight, c.X)
		r.BoxTop, r.BoxBottom = min(r.BoxTop, c.Y), max(r.BoxBottom, c.Y)
	}
	if t := g.Vehicle.BodyType; len(t) > 0 {
		r.VehicleType = t[0].Name
	}
	for name, code := range map[string]string{"plate.jpg": g.Best.Crop, "vehicle.jpg": g.VehicleJPG} {
		if code == "" {
			continue
		}
		jpeg, err := base64.StdEncoding.DecodeString(code)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		r.Pictures = append(r.Pictures, Picture{name, jpeg})
	}
	return []Read{r}, nil
}

func fromMillis(ms float64) time.Time {
	if !(ms > 0 && ms < 1e14) {
		return time.Time{}
	}
	return time.UnixMicro(int64(ms * 1000)).UTC()
}

// plateRecognizer reads a payload of Plate Recognizer Stream. Source: its documentation, "Webhooks". plate and region may be text or an
// object with a list of candidates, by version and settings.
func plateRecognizer(text []byte) ([]Read, error) {
	var p struct {
		Data struct {
			Camera    string `json:"camera_id"`
			Timestamp string `json:"timestamp"`
			Results   []struct {
				Plate  json.RawMessage `json:"plate"`
				Score  float64         `json:"score"`
				Region struct {
					Code string `json:"code"`
				} `json:"region"`
				Vehicle struct {
					Type string `json:"type"`
				} `json:"vehicle"`
				Candidates []struct {
					Plate string  `json:"plate"`
					Score float64 `json:"score"`
				} `json:"candidates"`
				Direction *float64 `json:"direction"`
				Box       struct {
					Left   float32 `json:"xmin"`
					Top    float32 `json:"ymin"`
					Right  float32 `json:"xmax"`
					Bottom float32 `json:"ymax"`
				} `json:"box"`
			} `json:"results"`
		} `json:"data"`
	}
	if err := decode(text, &p); err != nil {
		return nil, err
	}
	if len(p.Data.Results) > maxReads {
		return nil, fmt.Errorf(`"results" holds %d plates, at most %d are read`, len(p.Data.Results), maxReads)
	}
	var out []Read
	for i, v := range p.Data.Results {
		plate := ""
		if json.Unmarshal(v.Plate, &plate) != nil {
			return nil, fmt.Errorf(`"results"[%d]: "plate" is no text`, i)
		}
		if plate == "" {
			continue // a vehicle without plate
		}
		r := newRead("platerecognizer", plate, v.Score)
		r.Camera, r.Region, r.VehicleType = p.Data.Camera, v.Region.Code, v.Vehicle.Type
		r.BoxLeft, r.BoxTop, r.BoxRight, r.BoxBottom = v.Box.Left, v.Box.Top, v.Box.Right, v.Box.Bottom
		r.At = moment(p.Data.Timestamp)
		if v.Direction != nil {
			r.heading = *v.Direction
		}
		for _, c := range v.Candidates {
			if len(r.Alternatives) < maxReads && Normal(c.Plate) != r.Normal {
				r.Alternatives = append(r.Alternatives, &observation.PlateRead{Plate: Normal(c.Plate), Confidence: float32(c.Score)})
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// moment reads a time as the vendors write it; one without zone is UTC.
func moment(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999Z07:00", "2006-01-02T15:04:05.999999", "2006-01-02 15:04:05.999999"} {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// onvif reads an event of ONVIF Profile M over MQTT (topic .../RuleEngine/Recognition/LicensePlate). The names within Data differ by maker
// (assumed): PlateNumber and Likelihood are looked for at any depth.
func onvif(text []byte) ([]Read, error) {
	var e struct {
		UtcTime string         `json:"UtcTime"`
		Source  map[string]any `json:"Source"`
		Data    any            `json:"Data"`
	}
	if err := decode(text, &e); err != nil {
		return nil, err
	}
	plate, likelihood := "", 0.0
	var country, kind string
	walk(e.Data, 0, func(key string, v any) {
		switch strings.ToLower(key) {
		case "platenumber", "plate":
			if s := plain(v); plate == "" {
				plate = s
			}
			if m, ok := v.(map[string]any); ok {
				if f, ok := m["Likelihood"].(float64); ok {
					likelihood = f
				}
			}
		case "likelihood":
			if f, ok := v.(float64); ok && likelihood == 0 {
				likelihood = f
			}
		case "countrycode":
			country = strings.ToLower(plain(v))
		case "vehicletype", "type":
			kind = plain(v)
		}
	})
	if plate == "" {
		return nil, nil // another event, or a vehicle without plate
	}
	r := newRead("onvif", plate, likelihood)
	r.Region, r.VehicleType, r.At = country, kind, moment(e.UtcTime)
	for _, v := range e.Source {
		r.Camera = plain(v)
	}
	return []Read{r}, nil
}

// plain is the text of a value that may be wrapped: "x", {"Value":"x"}.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		for _, key := range []string{"Value", "_", "#text", "PlateNumber"} {
			if s, ok := v[key].(string); ok {
				return s
			}
		}
	}
	return ""
}

const maxDepth = 16

func walk(v any, depth int, f func(key string, v any)) {
	if depth > maxDepth {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for key, one := range v {
			f(key, one)
			walk(one, depth+1, f)
		}
	case []any:
		for _, one := range v {
			walk(one, depth+1, f)
		}
	}
}
