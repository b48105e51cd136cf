package plate

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Read is one plate of a payload. Its embedded VehiclePlate has what the reader says, and the plate's normal form
// and skeleton (package identifier).
type Read struct {
	*observation.VehiclePlate
	At       time.Time // by the camera's clock; zero when it gives none
	ID       string    // the vendor's own name of the read; may be empty
	Again    bool      // it may be of a vehicle that an earlier message told of, under the same ID
	Pictures []Picture // that the payload itself holds
	arrived  time.Time // by the agent's clock
	heading  float64   // of the vehicle in the picture, degrees; NaN for none
}

// Picture is an image with its name, "plate.jpg" or "vehicle.jpg". That it is a JPEG is the maker's word for it.
type Picture struct {
	Name string
	JPEG []byte
}

// Message is a decoded payload: one or several reads, or, without any, Idle.
type Message struct {
	arrived  time.Time // by the agent's clock
	Vendor   string
	Reads    []Read
	Bare     []string          // cameras that say a vehicle went by without plate, one for each
	Warnings []message.Message // what was there and could not be read
	// Idle explains why a payload without reads is sound: a heartbeat, a vehicle without plate.
	Idle message.Message
}

const (
	maxReads      = 64 // plates of one payload
	maxPlateRunes = 16 // characters; what is longer is no plate
)

// Decode reads a payload of any vendor that we know, JSON or XML; a JSON list is several payloads in one. Times
// without zone are in zone. A payload that holds no plate, no vehicle and is no heartbeat is an error: nothing of it
// can be kept. Errors name the field, or line and column. Decode is pure: the same text gives the same Message.
func Decode(text []byte, zone *time.Location) (*Message, error) {
	root, err := parseTree(text)
	if err != nil {
		return nil, err
	}
	if !root.array {
		return decodeTree(root, zone)
	}
	all := &Message{}
	for i, one := range root.children {
		m, err := decodeTree(one, zone)
		if err != nil {
			return nil, message.Wrap(err, "plate.element", message.Int("place", i+1))
		}
		if all.Reads = append(all.Reads, m.Reads...); len(all.Reads) > maxReads {
			return nil, message.Errorf("plate.over", message.Int("most", maxReads))
		}
		all.Vendor, all.Idle = m.Vendor, m.Idle
		all.Bare, all.Warnings = append(all.Bare, m.Bare...), append(all.Warnings, m.Warnings...)
	}
	if len(root.children) == 0 {
		return nil, message.Errorf("plate.empty-list")
	}
	return all, nil
}

// decodeTree decodes one payload by the first vendor whose form it fits.
func decodeTree(root *node, zone *time.Location) (*Message, error) {
	for i := range vendors {
		if v := &vendors[i]; v.fits(root) {
			m := &Message{Vendor: v.name}
			return m, m.decode(v, root, zone)
		}
	}
	return nil, message.Errorf("plate.no-vendor", message.String("fields",
		strings.Join([]string{"best_plate_number", "license_plate_number", "licensePlate", "plate"}, ", ")))
}

// decode adds the reads of a payload that fits v. The error names the vendor and which read is wrong.
func (m *Message) decode(v *vendor, root *node, zone *time.Location) error {
	if v.idle != nil && v.idle(root) {
		m.Idle = message.New("plate.idle-heartbeat")
		return nil
	}
	reads := []*node{root}
	switch {
	case v.split != nil:
		var err error
		if reads, m.Warnings, err = v.split(root); err != nil {
			return message.Wrap(err, "plate.of-vendor", message.String("vendor", v.name))
		}
	case v.each != nil:
		reads = v.each(root)
	case v.reads != "":
		if reads = root.list(v.reads); len(reads) == 0 {
			m.Idle = message.New("plate.idle-no-vehicle")
		}
	}
	if v.only != nil {
		if reads = slices.DeleteFunc(reads, func(n *node) bool { return !v.only(n) }); len(reads) == 0 {
			return message.Errorf("plate.other-message", message.String("vendor", v.name))
		}
	}
	if len(reads) > maxReads {
		return message.Errorf("plate.too-many", message.Count("n", len(reads)),
			message.Int("most", maxReads))
	}
	for i, n := range reads {
		if err := m.addRead(v, root, n, zone); err != nil {
			return message.Wrap(err, "plate.of-read", message.String("vendor", v.name),
				message.Int("place", i+1))
		}
	}
	if len(m.Reads) == 0 && len(m.Bare) > 0 {
		m.Idle = message.New("plate.idle-no-plate")
	}
	return nil
}

// addRead adds what one read n of the payload root says: a plate, or a vehicle without one (Bare). What is not the
// plate, and cannot be read, is a warning and costs itself only.
func (m *Message) addRead(v *vendor, root, n *node, zone *time.Location) error {
	value := func(paths []string) string {
		if s := n.first(paths); s != "" || v.split != nil {
			return s // the reads of split hold what is around them
		}
		return root.first(paths)
	}
	camera := value(v.camera)
	plate := n.first(v.plate)
	normal := identifier.NormalPlate(plate)
	if isMarkup(plate) {
		return message.Errorf("plate.not-a-plate", message.Quoted("field", v.plate[0]),
			message.Quoted("value", excerpt(plate)))
	}
	if isNoPlate(plate) || saysNothing(normal) || slices.ContainsFunc(v.none, func(w string) bool {
		return strings.EqualFold(w, plate)
	}) {
		present := slices.ContainsFunc(v.plate, func(p string) bool { return n.at(p) != nil })
		if !present && (v.bare == nil || !v.bare(n)) {
			return message.Errorf("plate.missing", message.Quoted("field", v.plate[0]))
		}
		m.Bare = append(m.Bare, camera)
		return nil
	}
	if len(plate) > maxPlateText || utf8.RuneCountInString(normal) > maxPlateRunes {
		_, name := n.named(v.plate)
		return message.Errorf("plate.long", message.Quoted("field", name),
			message.Count("n", utf8.RuneCountInString(plate)), message.Int("most", maxPlateRunes))
	}
	r := Read{VehiclePlate: &observation.VehiclePlate{Plate: plate, Normal: normal,
		Skeleton: identifier.PlateSkeleton(normal), Vendor: v.name}}
	r.Camera, r.VehicleType, r.Region = camera, n.first(v.vehicle), n.region(v.region)
	if r.Region == "" && v.split == nil {
		r.Region = root.region(v.region)
	}
	r.Confidence = m.share(n, v.confidence, v.percent)
	r.Direction, r.ID, r.heading = directions[strings.ToLower(n.first(v.direction))], value(v.id), math.NaN()
	if f, err := strconv.ParseFloat(n.first(v.heading), 64); err == nil && !math.IsInf(f, 0) {
		r.heading = f
	}
	r.Again = v.again != nil && r.ID != "" && v.again(n)
	r.At = m.readTime(n, root, v, zone)
	m.alternatives(v, n, &r)
	edges(v, n, &r)
	pictures, err := embeddedPictures(v, n)
	r.Pictures = pictures
	m.Reads = append(m.Reads, r)
	return err
}

// readTime reads the time of a read: the read's own, else the payload's. It is zero for none, and, with a warning,
// for one that cannot be read or is before the year earliest.
func (m *Message) readTime(n, root *node, v *vendor, zone *time.Location) time.Time {
	for _, from := range []*node{n, root} {
		if t := dayAndTime(from.first(v.day), from.first(v.clock), zone); !t.IsZero() {
			return t
		}
		text, name := from.named(v.at)
		if text == "" && v.split == nil {
			continue
		}
		if text == "" {
			return time.Time{}
		}
		t := moment(text, zone)
		if t.IsZero() {
			m.warn("plate.time-unread", text, name)
		} else if t.Year() < earliest {
			m.warn("plate.time-before-2000",
				text, name)
			t = time.Time{}
		}
		return t
	}
	return time.Time{}
}

// warn adds a fault that is told beside the reads; the message code must have arguments value and field.
func (m *Message) warn(code, value, field string) {
	m.Warnings = append(m.Warnings, message.New(code, message.String("value", excerpt(value)),
		message.String("field", field)))
}

// share reads a confidence, 0 to 1; 0 for none. Percents, "97%" and values over 1 are divided by 100. What is no
// number, or beyond 100 %, is a warning.
func (m *Message) share(n *node, paths []string, percent bool) float32 {
	text, name := n.named(paths)
	if text == "" {
		return 0
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(text, "%")), 64)
	if err != nil || math.IsNaN(f) {
		m.warn("plate.confidence-no-number", text, name)
		return 0
	}
	if percent || f > 1 {
		f /= 100
	}
	if f < 0 || f > 1 {
		m.warn("plate.confidence-range", text, name)
		return 0
	}
	return float32(f)
}

// alternatives adds the reader's other readings of a plate, each once, without the one it decided for.
func (m *Message) alternatives(v *vendor, n *node, r *Read) {
	for _, path := range v.candidates {
		for _, c := range n.list(path) {
			plate := identifier.NormalPlate(c.first([]string{"plate", "value"}))
			if plate == "" || plate == r.Normal || len(r.Alternatives) >= maxReads {
				continue
			}
			r.Alternatives = append(r.Alternatives, &observation.PlateRead{Plate: plate, Confidence: m.share(c,
				[]string{"confidence", "score"}, v.percent)})
		}
	}
}

// edges sets the plate's box, in pixels of the maker's picture: from its edges, or around its corners.
func edges(v *vendor, n *node, r *Read) {
	number := func(n *node, path string) float32 {
		f, err := strconv.ParseFloat(n.at(path).value(), 32)
		if path == "" || err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return 0
		}
		return float32(f)
	}
	if v.box[0] != "" {
		r.BoxLeft, r.BoxTop, r.BoxRight, r.BoxBottom = number(n, v.box[0]), number(n, v.box[1]), number(n,
			v.box[2]), number(n, v.box[3])
	}
	if v.corners == "" {
		return
	}
	for i, c := range n.list(v.corners) {
		x, y := number(c, "x"), number(c, "y")
		if i == 0 {
			r.BoxLeft, r.BoxRight, r.BoxTop, r.BoxBottom = x, x, y, y
		}
		r.BoxLeft, r.BoxRight = min(r.BoxLeft, x), max(r.BoxRight, x)
		r.BoxTop, r.BoxBottom = min(r.BoxTop, y), max(r.BoxBottom, y)
	}
}

// embeddedPictures decodes the pictures that a payload holds, base64 or a data: URL, in the order of the vendor's
// table. One that is no base64 is an error: the payload is refused, so that nobody believes it was kept whole.
func embeddedPictures(v *vendor, n *node) (out []Picture, err error) {
	for _, p := range v.pictures {
		code := n.at(p.path).value()
		if i := strings.Index(code, "base64,"); strings.HasPrefix(code, "data:") && i > 0 {
			code = code[i+len("base64,"):]
		}
		if code == "" {
			continue
		}
		jpeg, err := base64.StdEncoding.DecodeString(code)
		if err != nil {
			return nil, message.Wrap(err, "plate.picture", message.Quoted("field", p.path),
				message.String("picture", p.name))
		}
		out = append(out, Picture{p.name, jpeg})
	}
	return out, nil
}

// directions are the makers' words: towards the camera is forward.
var directions = map[string]string{
	"forward": "forward", "approach": "forward", "approaching": "forward", "in": "forward", "obverse": "forward",
	"front": "forward", "towards": "forward", "toward": "forward",
	"reverse": "reverse", "away": "reverse", "leave": "reverse", "leaving": "reverse", "out": "reverse",
	"goaway": "reverse", "back": "reverse", "backward": "reverse",
}
