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

// Quality defines which detectors an image has, and the limits beyond which its system is faulty.
type Quality struct {
	Detectors    string  `yaml:"detectors" default:"columns" enum:"columns,rows"`
	AirMin       float64 `yaml:"air_min" default:"0" min:"0" max:"65535" unit:"stored values"`
	AirMax       float64 `yaml:"air_max" default:"0" min:"0" max:"65535" unit:"stored values"`
	NoiseMax     float64 `yaml:"noise_max" default:"0.03" min:"0" max:"1"`
	DriftMax     float64 `yaml:"drift_max" default:"0.1" min:"0" max:"1"`
	SaturatedMax float64 `yaml:"saturated_max" default:"0.05" min:"0" max:"1"`
	DetectorsMax int     `yaml:"bad_detectors_max" default:"0" min:"0" max:"65535"`
}

const (
	previewSide    = 400 // pixels, so that a preview has a few KB
	previewQuality = 50  // of JPEG
	recentScans    = 32  // scans whose images and reports wait for each other
	trendScans     = 64
	minTrend       = 5 // scans before drift says something
	analysisQueue  = 4
	listedMax      = 64
)

// taken is an image that was stored and waits to be looked at.
type taken struct {
	image    *observation.XrayImage
	artifact *observation.Artifact
	at       time.Time
	deviceNs int64 // the system's own clock; 0 where the image has no time
}

// analyst makes previews and watches quality. It belongs to one goroutine, but for the queue.
type analyst struct {
	*system
	queue  chan taken
	scans  *lru.Cache[string, *scan] // by scan instance
	air    map[string][]float64
	faults map[string]bool // by measure and energy: under way
}

// scan collects the recent objects of one scan.
type scan struct{ images []taken }

func newAnalyst(s *system) *analyst {
	return &analyst{system: s, queue: make(chan taken, analysisQueue), scans: recent[*scan](recentScans),
		air: map[string][]float64{}, faults: map[string]bool{}}
}

// put hands an image over; when many are waiting it waits, and with it who delivers them.
func (a *analyst) put(ctx context.Context, t taken) {
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
			if err := a.look(ctx, sink, t); err != nil {
				return err
			}
		}
	}
}

// look makes preview and measures of one image. What is wrong with the image is reported; an error is the journal's.
func (a *analyst) look(ctx context.Context, sink driver.Sink, t taken) error {
	r, err := sink.OpenArtifact(t.artifact)
	if err != nil {
		return err
	}
	defer r.Close()
	i, err := pixel.Open(r, t.artifact.Size)
	if err != nil {
		return a.unseen(ctx, sink, t, err)
	}
	meter := quality.NewMeter(i.Columns, i.Bits, a.Quality != nil && a.Quality.Detectors == "rows")
	plane, err := picture.Reduce(i, image.Rectangle{}, previewSide, func(_ int, row []uint16) {
		meter.Add(row)
	})
	if err != nil {
		return a.unseen(ctx, sink, t, err)
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
		return a.unseen(ctx, sink, t, err)
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
	_, err = sink.Commit(ctx, append([]*observation.Observation{o}, a.judge(t, meter.Measures())...)...)
	return err
}

// about makes an observation about an image, once for each.
func (a *analyst) about(t taken, class observation.Class, what string, body proto.Message) *observation.Observation {
	o := observation.New(class, t.at, body)
	o.Body.DeviceTimeNs = t.deviceNs
	o.Key = what + ":" + t.image.SopInstance + ":" + t.artifact.Hex()[:16]
	return o
}

// unseen reports an image of which there is no picture.
func (a *analyst) unseen(ctx context.Context, sink driver.Sink, t taken, why error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var bad *dicom.FormatError
	if errors.As(why, &bad) {
		if err := a.refused(ctx, sink, message.Wrap(said(why), "dicos.pixels",
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

// partner returns the image of the other energy of the same scan, when it has come.
func (a *analyst) partner(sink driver.Sink, t taken) (*pixel.Image, func()) {
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

// outlines returns what was reported of an image, or of another one of the same scan and size.
func (a *analyst) outlines(t taken) []picture.Outline {
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

// energy names the energy of an image: high, low, or "" when it does not say, or has both.
func energy(i *observation.XrayImage) string {
	switch {
	case i.HighEnergy && !i.LowEnergy:
		return "high"
	case i.LowEnergy && !i.HighEnergy:
		return "low"
	}
	return ""
}

// judge turns measures into telemetry, and into faults that begin or end.
func (a *analyst) judge(t taken, m quality.Measures) []*observation.Observation {
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

// limits holds measures against the limits.
func (a *analyst) limits(t taken, energy string, q *observation.XrayQuality) (out []*observation.Observation) {
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
