package dicos

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/robust"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/picture"
	"lanewarden/drivers/xray/pixel"
	"lanewarden/drivers/xray/quality"
)

// Quality defines which detectors an image has, and the limits beyond which its system is faulty. A limit of 0 is
// none, but for DetectorsMax, where it tolerates none.
type Quality struct {
	Detectors string `yaml:"detectors" default:"columns" enum:"columns,rows"`
	// AirMin and AirMax are levels as they are stored, before any window.
	AirMin float64 `yaml:"air_min" default:"0" min:"0" max:"65535" unit:"stored values"`
	AirMax float64 `yaml:"air_max" default:"0" min:"0" max:"65535" unit:"stored values"`
	// NoiseMax and DriftMax are shares of the air level: 0.03 is 3 %.
	NoiseMax float64 `yaml:"noise_max" default:"0.03" min:"0" max:"1"`
	DriftMax float64 `yaml:"drift_max" default:"0.1" min:"0" max:"1"`
	// SaturatedMax is a share of all pixels.
	SaturatedMax float64 `yaml:"saturated_max" default:"0.05" min:"0" max:"1"`
	// DetectorsMax is a number of dead and stuck detectors together.
	DetectorsMax int `yaml:"bad_detectors_max" default:"0" min:"0" max:"65535"`
}

const (
	previewSide    = 400 // pixels, so that a preview has a few KB
	previewQuality = 50  // of JPEG
	recentScans    = 32  // scans whose images and reports wait for each other
	trendScans     = 64  // scans over whose air levels the median is taken: an hour of a busy portal
	minTrend       = 5   // scans before drift says something
	analysisQueue  = 4   // images; each is a struct, its pixels stay in the artifact store
	listedMax      = 64  // numbers of dead, and of stuck detectors in one observation; their counts are whole
)

// storedImage is an image that was stored and acknowledged, and waits to be analysed.
type storedImage struct {
	image    *observation.XrayImage
	artifact *observation.Artifact
	at       time.Time // of its observation, UTC
	deviceNs int64     // the system's own clock; 0 where the image has no time
}

// analyst makes previews and watches quality. It belongs to one goroutine, but for the queue. What it knows is lost
// with the agent: drift begins anew, and a fault that is under way is reported once more.
type analyst struct {
	*system
	queue  chan storedImage
	scans  *lru.Cache[string, *scan] // by scan instance
	air    map[string][]float64      // by energy: air levels of the last trendScans images, as stored
	faults map[string]bool           // by measure and energy: under way
}

// scan collects the recent objects of one scan (0020,000D): one or two energies, and perhaps several views.
type scan struct{ images []storedImage }

func newAnalyst(s *system) *analyst {
	return &analyst{system: s, queue: make(chan storedImage, analysisQueue), scans: recent[*scan](recentScans),
		air: map[string][]float64{}, faults: map[string]bool{}}
}

// enqueue hands an image over; when analysisQueue images are waiting it waits, and with it whoever delivers them.
// When ctx ends the image is dropped, and stays without a preview.
func (a *analyst) enqueue(ctx context.Context, t storedImage) {
	select {
	case a.queue <- t:
	case <-ctx.Done():
	}
}

// run looks at images until ctx ends.
func (a *analyst) run(ctx context.Context, sink driver.Sink) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case t := <-a.queue:
			if err := a.process(ctx, sink, t); err != nil {
				return err
			}
		}
	}
}

// process makes preview and measures of one image and commits them together. What is wrong with the image is
// reported; an error is the journal's, or that of the artifact store. One pass over the pixels serves both the
// measures and the reduced picture, as decoding is what takes the time.
func (a *analyst) process(ctx context.Context, sink driver.Sink, t storedImage) error {
	r, err := sink.OpenArtifact(t.artifact)
	if err != nil {
		return err
	}
	defer r.Close()
	i, err := pixel.Open(r, t.artifact.Size)
	if err != nil {
		return a.reportUnrendered(ctx, sink, t, err)
	}
	meter := quality.NewMeter(i.Columns, i.Bits, a.Quality != nil && a.Quality.Detectors == "rows")
	plane, err := picture.Reduce(i, image.Rectangle{}, previewSide, func(_ int, row []uint16) {
		meter.Add(row)
	})
	if err != nil {
		return a.reportUnrendered(ctx, sink, t, err)
	}
	partner, closePartner := a.partner(sink, t)
	defer closePartner()
	if partner != nil && (partner.Rows != i.Rows || partner.Columns != i.Columns) {
		partner = nil
	}
	outlines := a.outlines(t)
	shown, err := picture.Show(i, plane, picture.Options{Other: partner, Outlines: outlines})
	if err != nil && partner != nil { // what is wrong with the other image is reported with that one
		partner = nil
		shown, err = picture.Show(i, plane, picture.Options{Outlines: outlines})
	}
	if err != nil {
		return a.reportUnrendered(ctx, sink, t, err)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, shown, &jpeg.Options{Quality: previewQuality}); err != nil {
		return err
	}
	preview, err := sink.StoreArtifact(ctx, &b, "image/jpeg", t.artifact.Name+".jpg")
	if err != nil {
		return err
	}
	o := a.about(t, observation.Class_CLASS_EVENT, "preview", &observation.XrayPreview{
		ImageInstance: t.image.SopInstance, Width: uint32(plane.Width), Height: uint32(plane.Height),
		PseudoColour: partner != nil, Outlines: uint32(len(outlines)),
	})
	o.Body.Artifacts = []*observation.Artifact{preview}
	_, err = sink.Commit(ctx, append([]*observation.Observation{o}, a.evaluate(t, meter.Measures())...)...)
	return err
}

// about makes an observation about an image, at the image's time. Its key, of what, SOP instance and content, makes
// it one for each image however often that is processed.
func (a *analyst) about(t storedImage, class observation.Class, what string, body proto.Message) *observation.Observation {
	o := observation.New(class, t.at, body)
	o.Body.DeviceTimeNs = t.deviceNs
	o.Key = what + ":" + t.image.SopInstance + ":" + t.artifact.Hex()[:16]
	return o
}

// reportUnrendered commits a preview without a picture that says why. Corrupt pixels are a device.fault besides; a
// compression that is not rendered is none. Other errors are not the image's and are returned.
func (a *analyst) reportUnrendered(ctx context.Context, sink driver.Sink, t storedImage, why error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var bad *dicom.FormatError
	if errors.As(why, &bad) {
		if err := a.reportRefused(ctx, sink, message.Wrap(why, "dicos.pixels",
			message.String("object", t.artifact.Name)), nil); !errors.As(err, &bad) {
			return err
		}
	} else if !errors.Is(why, pixel.ErrNotRendered) && !errors.Is(why, pixel.ErrNoImage) {
		return why
	}
	_, err := sink.Commit(ctx, a.about(t, observation.Class_CLASS_EVENT, "preview",
		&observation.XrayPreview{ImageInstance: t.image.SopInstance, NotRendered: why.Error()}))
	return err
}

// partner remembers an image with its scan and returns the image of the other energy of the same scan, when it has
// come, else nil. The caller closes it with the function, which is never nil. Only 8 images of a scan are
// remembered: a peer may give all it ever sends one scan instance. A partner that cannot be opened is none.
func (a *analyst) partner(sink driver.Sink, t storedImage) (*pixel.Image, func()) {
	none := func() {}
	if t.image.ScanInstance == "" {
		return nil, none
	}
	one, known := a.scans.Get(t.image.ScanInstance)
	if !known {
		one = &scan{}
		a.scans.Add(t.image.ScanInstance, one)
	}
	if len(one.images) < 8 {
		one.images = append(one.images, t)
	}
	for _, o := range one.images {
		if energy(o.image) == "" || energy(t.image) == "" || energy(o.image) == energy(t.image) {
			continue
		}
		r, err := sink.OpenArtifact(o.artifact)
		if err != nil {
			return nil, none
		}
		i, err := pixel.Open(r, o.artifact.Size)
		if err != nil {
			r.Close()
			return nil, none
		}
		return i, func() { r.Close() }
	}
	return nil, none
}

// outlines returns what was reported of an image, or, when nothing was, of another one of the same scan and size: a
// report on the high-energy image holds for the low-energy one, which shows the same place.
func (a *analyst) outlines(t storedImage) []picture.Outline {
	list := a.reports.outlines(t.image.SopInstance)
	if one, known := a.scans.Get(t.image.ScanInstance); known {
		for _, o := range one.images {
			if len(list) == 0 && o.image.Rows == t.image.Rows && o.image.Columns == t.image.Columns {
				list = a.reports.outlines(o.image.SopInstance)
			}
		}
	}
	return list
}

// energy names the energy of an image: "high", "low", or "" when it does not say, or has both. Trends and faults are
// kept apart by it, since air levels of different energies cannot be compared.
func energy(i *observation.XrayImage) string {
	switch {
	case i.HighEnergy && !i.LowEnergy:
		return "high"
	case i.LowEnergy && !i.HighEnergy:
		return "low"
	}
	return ""
}

// evaluate turns measures into telemetry, and into faults that begin or end. Drift is relative to the median of the
// scans before, +0.1 for 10 % brighter. Aborted and test scans are measured but not held against the limits.
func (a *analyst) evaluate(t storedImage, m quality.Measures) []*observation.Observation {
	q := &observation.XrayQuality{
		ImageInstance: t.image.SopInstance, ScanInstance: t.image.ScanInstance, AirLevel: float32(m.AirLevel),
		AirNoise: float32(m.AirNoise),
		AirShare: float32(m.AirShare), SaturatedShare: float32(m.SaturatedShare),
		StarvedShare: float32(m.StarvedShare), Detectors: uint32(m.Detectors),
		DeadDetectors: uint32(len(m.Dead)), StuckDetectors: uint32(len(m.Stuck)),
	}
	for _, list := range [][]int{m.Dead, m.Stuck} {
		for _, d := range list[:min(len(list), listedMax)] {
			q.Detector = append(q.Detector, uint32(d))
		}
	}
	if one, known := a.scans.Get(t.image.ScanInstance); known {
		for _, i := range one.images {
			if e := energy(i.image); e != "" && !slices.Contains(q.Energies, e) {
				q.Energies = append(q.Energies, e)
			}
		}
	}
	e := energy(t.image)
	trend := a.air[e]
	if q.AirScans = uint32(len(trend)); len(trend) > 0 && m.AirLevel > 0 {
		q.AirDrift = float32(m.AirLevel/robust.Median(slices.Clone(trend)) - 1)
	}
	if m.AirLevel > 0 {
		a.air[e] = append(trend, m.AirLevel)[max(0, len(trend)+1-trendScans):]
	}
	out := []*observation.Observation{a.about(t, observation.Class_CLASS_TELEMETRY, "quality", q)}
	if a.Quality == nil || t.image.Aborted || t.image.Test {
		return out
	}
	return append(out, a.limits(t, e, q)...)
}

// limits holds measures against the limits. A fault is an event when it begins and one when it ends, not one for
// each image. Without air in the image (a truck that fills it) level, noise and drift say nothing and change
// nothing.
func (a *analyst) limits(t storedImage, energy string, q *observation.XrayQuality) (out []*observation.Observation) {
	l := a.Quality
	check := func(measure string, value, limit float64, passed bool) {
		id := measure + "/" + energy
		if passed == a.faults[id] {
			return
		}
		a.faults[id] = passed
		out = append(out, a.about(t, observation.Class_CLASS_EVENT, "fault:"+id, &observation.XrayFault{
			Measure: measure, Cleared: !passed, Value: float32(value), Limit: float32(limit),
			ImageInstance: t.image.SopInstance,
		}))
	}
	air, drift := float64(q.AirLevel), float64(max(q.AirDrift, -q.AirDrift))
	if air > 0 {
		low, high := l.AirMin > 0 && air < l.AirMin, l.AirMax > 0 && air > l.AirMax
		limit := l.AirMin
		if l.AirMax > 0 && air > (l.AirMin+l.AirMax)/2 {
			limit = l.AirMax
		}
		check("air_level", air, limit, low || high)
		check("air_noise", float64(q.AirNoise), l.NoiseMax, l.NoiseMax > 0 && float64(q.AirNoise) > l.NoiseMax)
		if q.AirScans >= minTrend {
			check("air_drift", float64(q.AirDrift), l.DriftMax, l.DriftMax > 0 && drift > l.DriftMax)
		}
	}
	check("saturated", float64(q.SaturatedShare), l.SaturatedMax, l.SaturatedMax > 0 &&
		float64(q.SaturatedShare) > l.SaturatedMax)
	bad := q.DeadDetectors + q.StuckDetectors
	check("detectors", float64(bad), float64(l.DetectorsMax), int(bad) > l.DetectorsMax)
	return out
}
