package ionscan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/profile"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/trace/jcampdx"
	"lanewarden/drivers/trace/line"
	"lanewarden/drivers/trace/plasmagram"
	"lanewarden/drivers/transport"
)

const (
	jcampMediaType = "chemical/x-jcamp-dx"
	tableMediaType = "text/plain"
	// maxTableBytes bounds a text file that is read by a profile; a spectrum of 100,000 points has some 2 MB.
	maxTableBytes = 16 << 20
)

// dropped is one file of the drop folder on its way: f is open at its beginning, name is its path.
type dropped struct {
	*instrument
	sink driver.Sink
	f    *os.File
	name string
}

func (d *dropped) base() string { return transport.FileName(d.name) }

// reject reports a file that nothing can be made of as a fault with the bytes at offset, and returns a
// transport.BadFileError, joined with the journal's error if that fails.
func (d *dropped) reject(ctx context.Context, err error, offset int64) error {
	err = fmt.Errorf("%s: %w", d.base(), err)
	return errors.Join(&transport.BadFileError{Err: err}, d.commit(ctx, d.fault(message.Of(err), offset)...))
}

// inFile describes what is wrong, in which file.
func (d *dropped) inFile(err error) message.Message {
	return message.New("within", message.String("where", d.base()), message.CausedBy(err))
}

// fault makes an observation of what is wrong with the file, with up to 256 bytes from offset on; a flood is folded.
func (d *dropped) fault(reason message.Message, offset int64) []*observation.Observation {
	frame := make([]byte, 256)
	n, err := d.f.ReadAt(frame, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		n = 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults.Source = d.base()
	d.faults.Add(time.Now().UTC(), reason, offset, frame[:n])
	return d.faults.Take()
}

func (d *dropped) commit(ctx context.Context, obs ...*observation.Observation) error {
	return driver.CommitAny(ctx, d.sink, obs)
}

// read returns the file's bytes, taped and kept whole as an artifact. A file over limit bytes is rejected.
func (d *dropped) read(ctx context.Context, limit int64, mediaType string) ([]byte, *observation.Artifact, error) {
	info, err := d.f.Stat()
	if err != nil {
		return nil, nil, err
	}
	// A slice that grows costs three times what it holds: it is made of the file's size.
	b := bytes.NewBuffer(make([]byte, 0, min(info.Size(), limit)+bytes.MinRead))
	if _, err := b.ReadFrom(io.LimitReader(d.f, limit+1)); err != nil {
		return nil, nil, err
	}
	data := b.Bytes()
	if int64(len(data)) > limit {
		return nil, nil, d.reject(ctx, message.Errorf("ionscan.large-file", message.Int("bytes", limit)), 0)
	}
	d.env.Tape.RecordDocument(d.base(), data)
	if _, err := d.f.Seek(0, io.SeekStart); err != nil {
		return nil, nil, err
	}
	artifact, err := d.sink.StoreArtifact(ctx, d.f, mediaType, d.base())
	return data, artifact, err
}

// importJCAMP reads a JCAMP-DX file: an observation a block, and one a fault, committed together. A file of which no
// block can be analysed is rejected; where some can, the others are faults. Keys are of the content and the block's
// place, so that the same file again adds nothing.
func (d *dropped) importJCAMP(ctx context.Context) error {
	data, artifact, err := d.read(ctx, jcampdx.MaxBytes, jcampMediaType)
	if err != nil {
		return err
	}
	f, err := jcampdx.Parse(data)
	if err != nil {
		return d.reject(ctx, err, 0)
	}
	samples, err := d.samplesOf(f)
	if err != nil && len(samples) == 0 {
		if len(f.Faults) > 0 {
			err = errors.Join(err, f.Faults[0])
		}
		return d.reject(ctx, err, firstOffset(f))
	}
	var obs []*observation.Observation
	for i := range samples {
		more, e := d.observe(&samples[i], d.at(&samples[i]), fmt.Sprintf("jcamp:%s#%d", artifact.Hex(), i), artifact)
		obs, err = append(obs, more...), errors.Join(err, e)
	}
	if len(obs) == 0 {
		return d.reject(ctx, err, firstOffset(f))
	}
	if err != nil { // one block of several
		obs = append(obs, d.fault(d.inFile(err), 0)...)
	}
	for _, fault := range f.Faults {
		obs = append(obs, d.fault(d.inFile(fault), int64(fault.Offset))...)
	}
	return d.commit(ctx, obs...)
}

// firstOffset returns the place of the first fault, in bytes; 0 without one.
func firstOffset(f *jcampdx.File) int64 {
	if len(f.Faults) > 0 {
		return int64(f.Faults[0].Offset)
	}
	return 0
}

// at returns the time of measurement of a file's sample: as the instrument says, or now.
func (d *dropped) at(s *sample) time.Time {
	if !s.at.IsZero() {
		return s.at
	}
	return time.Now().UTC()
}

// importTable reads a text file by the profile, a message an observation. One of which nothing fits the profile, or
// any without a profile, is rejected.
func (d *dropped) importTable(ctx context.Context) error {
	if d.Profile.Value == nil {
		return d.reject(ctx, d.describeUnread(), 0)
	}
	data, artifact, err := d.read(ctx, maxTableBytes, tableMediaType)
	if err != nil {
		return err
	}
	reader, err := line.NewReader(d.Profile.Value)
	if err != nil {
		return err
	}
	var obs []*observation.Observation
	var faults int
	read, first := 0, message.Message{}
	now := time.Now().UTC()
	emit := func(e line.Event) {
		if !e.Fault.IsZero() {
			if faults++; faults == 1 {
				first = e.Fault
			}
			obs = append(obs, d.fault(d.inFile(&message.Error{Message: e.Fault}), e.Offset)...)
			return
		}
		read++
		obs = append(obs, d.observeReading(e.Reading, fmt.Sprintf("table:%s#%d", artifact.Hex(), read), artifact)...)
	}
	reader.Feed(now, data, emit)
	reader.Flush(now, emit)
	if read == 0 {
		return d.reject(ctx, message.Errorf("line.nothing", message.String("profile", d.Profile.Value.Name),
			message.Nested("first", first)), 0)
	}
	return d.commit(ctx, obs...)
}

// describeUnread describes what a file is that is no JCAMP-DX file.
func (d *dropped) describeUnread() error {
	head := make([]byte, driver.HeadBytes)
	n, _ := d.f.ReadAt(head, 0) // fewer when the file is short
	if known := driver.Unread(head[:n]); !known.IsZero() {
		return &message.Error{Message: known}
	}
	return message.Errorf("ionscan.other-file")
}

// handleReading turns a message of the link into observations. Its key is kind, time and content: a replay of the
// tape gives the same.
func (n *instrument) handleReading(r *line.Reading) []*observation.Observation {
	return n.observeReading(r, fmt.Sprintf("%s@%d#%s", r.Message, r.At.UnixNano(), shortHash(r.Raw)), nil)
}

// observeReading turns a message into observations, by the kind that the profile gives it. key names it; artifact is
// the file that it stood in, nil for a link, whose arrival says the time. Kinds that are not of trace detection
// become device.reading.
func (n *instrument) observeReading(r *line.Reading, key string, artifact *observation.Artifact) []*observation.Observation {
	at := r.At
	if v, ok := r.Get("time"); ok && artifact != nil && !v.Time.IsZero() {
		at = v.Time // of a file, the time at which it was written to
	}
	var out []*observation.Observation
	switch r.Kind {
	case "ignore":
		return nil
	case "analysis", "verification", "blank":
		s := n.sampleOfReading(r)
		obs, err := n.observe(&s, at, key, artifact)
		if err == nil {
			return obs
		}
		n.mu.Lock()
		n.faults.Add(r.At, message.New("line.message", message.String("message", r.Message),
			message.CausedBy(err)), 0, r.Raw)
		out = n.faults.Take()
		n.mu.Unlock()
		return out
	case "health":
		h, pol := healthOf(r), polarity(text(r, "polarity"))
		n.mu.Lock()
		n.state, n.stateAt = h, r.At
		changed := n.quality.add(&measurement{at: notFuture(at), kind: r.Kind, key: key, polarity: pol, health: h})
		n.mu.Unlock()
		if o := h.observation(at, pol); o != nil {
			out = append(out, o)
		}
		for _, o := range changed { // telemetry comes often: quality control only when it changed
			if o.Class == observation.Class_CLASS_EVENT {
				out = append(out, o)
			}
		}
	case "calibration":
		out = append(out, observation.New(observation.Class_CLASS_EVENT, at, &observation.TraceCalibration{
			Polarity: string(polarity(text(r, "polarity"))), Calibrant: text(r, "calibrant"),
			DriftMs: float32(number(r, "drift_ms", msUnits)), K0: float32(number(r, "k0", plain)),
			Passed: text(r, "verdict") != "failed",
		}))
	default:
		out = append(out, r.Observation(n.Profile.Value.Name))
	}
	if len(out) > 0 && out[0].Key == "" {
		out[0].Key = key
	}
	return out
}

// plain is for numbers that have no unit.
var plain = map[string]func(float64) float64{"": times(1)}

// text returns a field of a message; "" when it is not there.
func text(r *line.Reading, name string) string {
	v, _ := r.Get(name)
	return v.Text
}

// number returns a field of a message, converted as quantity does; 0 for one that is not there.
func number(r *line.Reading, name string, units map[string]func(float64) float64) float64 {
	v, ok := r.Get(name)
	return convert(v, ok, units)
}

// convert returns a value in the unit that units lead to; 0 when it is no number, or of a unit that is not known.
func convert(v profile.Value, ok bool, units map[string]func(float64) float64) float64 {
	if f := units[strings.ToLower(v.Unit)]; ok && v.IsNum && f != nil {
		return f(v.Number)
	}
	return 0
}

// healthOf reads the fields of an instrument's state (docs/profiles.md).
func healthOf(r *line.Reading) health {
	return health{
		temperatureK: number(r, "drift_temperature", temperatureUnits),
		pressureTorr: number(r, "pressure", pressureUnits),
		flow:         number(r, "flow", flowUnits),
		dryer:        number(r, "dryer_percent", percentUnits), desorberK: number(r, "desorber", temperatureUnits),
		samples: uint32(number(r, "samples", plain)),
		ripMs:   number(r, "rip_ms", msUnits), ripAmplitude: number(r, "rip_amplitude", plain),
		ripFWHMMs: number(r, "rip_fwhm_ms", msUnits),
	}
}

// sampleOfReading returns what a message says of a sample: names of fields are those of docs/profiles.md. Rows named
// "point" become a spectrum when there are enough of them, of even steps from the first to the last; rows named
// "peak" are the instrument's own peaks. Where the message has neither temperature nor pressure, those of the last
// report of health count, if it is recent.
func (n *instrument) sampleOfReading(r *line.Reading) sample {
	s := sample{
		kind: r.Kind, id: text(r, "sample"), operator: text(r, "operator"), mode: text(r, "mode"),
		verdict:  verdictOf(text(r, "verdict")),
		polarity: polarity(text(r, "polarity")), partial: r.Partial, profileAlarm: !r.Alarm.IsZero(),
		cell: plasmagram.Cell{
			LengthCm: n.LengthCm, FieldVPerCm: n.FieldVPerCm,
			TemperatureK: number(r, "drift_temperature", temperatureUnits),
			PressureTorr: number(r, "pressure", pressureUnits),
		},
	}
	if v, ok := r.Get("time"); ok {
		s.at = v.Time
	}
	if name := text(r, "substance"); name != "" {
		s.substances = append(s.substances, name)
	}
	n.mu.Lock()
	if recent := r.At.Sub(n.stateAt).Abs() < stateAge; recent && s.cell.TemperatureK == 0 && s.cell.PressureTorr == 0 {
		s.cell.TemperatureK, s.cell.PressureTorr = n.state.temperatureK, n.state.pressureTorr
	}
	n.mu.Unlock()
	var x, points []float64
	for i := range r.Rows {
		row := &r.Rows[i]
		get := func(name string, units map[string]func(float64) float64) float64 {
			v, ok := row.Get(name)
			return convert(v, ok, units)
		}
		switch row.Name {
		case "substance":
			if v, ok := row.Get("substance"); ok {
				s.substances = append(s.substances, v.Text)
			}
		case "point":
			x, points = append(x, get("drift_ms", msUnits)), append(points, get("intensity", plain))
		case "peak":
			p := plasmagram.Peak{DriftMs: get("drift_ms", msUnits), K0: get("k0", plain),
				Amplitude: get("amplitude", plain),
				FWHMMs:    get("fwhm_ms", msUnits), SNR: get("snr", plain)}
			if p.Contrast = p.SNR; p.Contrast == 0 {
				p.Contrast = maxContrast // the instrument took it for a peak, and does not say how clear it is
			}
			if p.K0 == 0 {
				p.K0 = s.cell.K0(p.DriftMs)
			}
			s.peaks = append(s.peaks, p)
		}
	}
	if len(points) >= plasmagram.MinPoints && s.polarity != "" {
		s.spectrum = &plasmagram.Spectrum{
			Polarity: s.polarity, Cell: s.cell, StartMs: x[0], StepMs: (x[len(x)-1] - x[0]) / float64(len(x)-1),
			Scans: [][]float64{points},
		}
	}
	s.health = healthOf(r)
	return s
}

// stateAge is the time for which a reported temperature and pressure apply to samples: cells are heated, and air
// pressure changes by less than 1 Torr in it.
const stateAge = 15 * time.Minute

// maxContrast stands for a peak whose contrast is not known: it passes every library's threshold.
const maxContrast = 1e6

// shortHash tells two messages of one moment apart; it is part of keys in journals, and must stay as it is.
func shortHash(b []byte) string {
	h := uint64(14695981039346656037) // FNV-1a
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return fmt.Sprintf("%x", h)
}
