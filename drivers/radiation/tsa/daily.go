package tsa

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// importGroup is the number of observations of a file in one commit: a day has some 17,000 backgrounds.
const importGroup = 500

// importFile reads a recorded daily file. Its times of day count from the date in its name, or else from the day on
// which it was last written. The file is kept as an artifact before it is read. A file of which no line can be
// decoded is a transport.BadFileError; with any other error it is read again later, and what was committed is not
// committed twice.
func (p *portal) importFile(ctx context.Context, sink driver.Sink, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	zone, err := driver.Zone(p.Files.TimeZone)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	name := transport.FileName(path)
	artifact, err := sink.StoreArtifact(ctx, f, "text/csv", name)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r := &recording{
		session: newSession(sink, p.rule(), p.Timeout),
		clock:   fileClock{day: fileDay(name, info.ModTime(), zone), last: -1}, name: artifact.Hex()[:16],
	}
	r.faults.Source = name
	if err := r.read(f, func() error { return r.commitFull(ctx, importGroup) }); err != nil {
		return err
	}
	r.tracker.breakOff()
	r.faults.Flush()
	if err := r.commitFull(ctx, 1); err != nil {
		return err
	}
	if r.decoded == 0 {
		return &transport.BadFileError{Err: message.Errorf("tsa.no-file", message.String("file", name),
			message.Count("n", r.lines))}
	}
	o := observation.New(observation.Class_CLASS_EVENT, r.at, &observation.DeviceImport{
		Name: name, Lines: r.lines, Observations: r.observations, Added: r.added, Faults: r.faults.Total,
	})
	o.Key, o.Body.Artifacts = "import:"+artifact.Hex(), []*observation.Artifact{artifact}
	_, err = sink.Commit(ctx, o)
	return err
}

// recording is a session whose times come from the lines of a file.
type recording struct {
	session
	clock fileClock
	name  string // of the content, for the keys of lines without times

	lines, decoded      uint64 // all, empty ones and too long ones among them; those that fitted
	observations, added uint64 // committed; those of them that the journal did not have
}

// read feeds the file through the session and calls step after each chunk.
func (r *recording) read(f io.Reader, step func() error) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := f.Read(buf)
		r.input.Feed(buf[:n], r.line, func(text []byte, offset int64) { r.lines++; r.tooLong(text, offset) })
		if err == io.EOF {
			r.input.Feed([]byte{'\n'}, r.line, r.tooLong) // a last line without an end
			return step()
		}
		if err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
}

// line handles one line at the time that the clock gives it.
func (r *recording) line(text []byte, offset int64) {
	r.lines++
	at, estimated := r.clock.at(text)
	r.at, r.tracker.estimated = at, estimated
	before := len(r.tracker.out)
	if r.handleLine(text, offset) {
		r.decoded++
	}
	if estimated { // estimated times repeat in other files of that day: only the content tells these apart
		for i, o := range r.tracker.out[before:] {
			o.Key = fmt.Sprintf("%s:%d.%d:%s", r.name, r.lines, i, o.Key)
		}
	}
}

// commitFull commits what gathered once it is at least n observations.
func (r *recording) commitFull(ctx context.Context, n int) error {
	if len(r.tracker.out)+r.faults.Due() < n {
		return nil
	}
	obs := append(r.tracker.drain(), r.faults.Take()...)
	for len(obs) > 0 {
		part := obs[:min(len(obs), importGroup)]
		added, err := r.sink.Commit(ctx, part...)
		if err != nil {
			return err
		}
		r.observations, r.added = r.observations+uint64(len(part)), r.added+uint64(added)
		obs = obs[len(part):]
	}
	return nil
}

// fileClock gives the lines of a recorded file their times.
type fileClock struct {
	day  time.Time     // its midnight
	last time.Duration // time of day of the last line, -1 before the first
	sum  time.Duration // since midnight, for lines without a time
}

// at returns a line's time: from its last field, or counted from the intervals at which lines are sent (200 ms for
// GS and GA, 5 s for backgrounds). A time more than 12 hours before the one of the line before is of the next day.
// In a file with times, a line without one has that of the line before it.
func (c *fileClock) at(text []byte) (at time.Time, estimated bool) {
	if len(text) >= clockLen {
		if _, clock := cutClock(text); clock >= 0 {
			if c.last >= 0 && clock < c.last-12*time.Hour {
				c.day = c.day.AddDate(0, 0, 1) // past midnight
			}
			c.last = clock
			return onDay(c.day, clock), false
		}
	}
	if c.last >= 0 {
		return onDay(c.day, c.last), false // a damaged line among others that have times
	}
	tag, _, _ := bytes.Cut(text, comma)
	switch kindOf(tag) {
	case lineGS, lineGA:
		c.sum += gammaInterval
	case lineGB, lineGH, lineGL:
		c.sum += 5 * time.Second
	}
	return c.day.Add(c.sum), true
}

// onDay returns a wall-clock time of a day, across changes of daylight saving time.
func onDay(day time.Time, clock time.Duration) time.Time {
	y, m, d := day.Date()
	return time.Date(y, m, d, 0, 0, 0, int(clock), day.Location())
}

var dateInName = regexp.MustCompile(`(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])`)

// fileDay returns the midnight of the day on which a daily file began: "portal-2026-11-24.csv" and "20261124.txt"
// say it; otherwise the day of modified, in zone.
func fileDay(name string, modified time.Time, zone *time.Location) time.Time {
	if m := dateInName.FindStringSubmatch(name); m != nil {
		if day, err := time.ParseInLocation("20060102", m[1]+m[2]+m[3], zone); err == nil {
			return day
		}
	}
	y, m, d := modified.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}

const dailyName = "tsa-daily"

// Daily is the format of recorded daily files.
var Daily = driver.Format{Name: dailyName, Title: "TSA portal, recorded daily file", Recognise: recogniseDaily,
	Describe: describeDaily}

// recogniseDaily looks for two lines that decode among the first five: one may be a coincidence, or damaged.
func recogniseDaily(head []byte) bool {
	good := 0
	var l line
	for range 5 {
		text, rest, found := bytes.Cut(head, []byte{'\n'})
		if !found && len(head) == driver.HeadBytes {
			break // cut off in mid-line
		}
		if decodeLine(bytes.TrimRight(text, "\r"), &l) == nil {
			good++
		}
		head = rest
	}
	return good >= 2
}

// DailySummary describes what a daily file holds: what lanectl decode prints as JSON, a stable form for scripts.
type DailySummary struct {
	Format      string             `json:"format"`
	SHA256      string             `json:"sha256"`
	Lines       uint64             `json:"lines"`
	Faults      uint64             `json:"faults"`
	FirstFault  string             `json:"first_fault,omitempty"`
	Backgrounds int                `json:"backgrounds"`
	Estimated   bool               `json:"times_estimated"`
	Occupancies []OccupancySummary `json:"occupancies"`
	Others      map[string]int     `json:"others"` // by kind

	firstFault message.Message // FirstFault
}

// OccupancySummary is one occupancy of a daily file. GammaMax is the largest sum over all detectors of the rule's
// intervals (1 s), NeutronMax that of 1 s; End is TIMEOUT, DISCONNECT, BACKGROUND or MARKED.
type OccupancySummary struct {
	Number       uint32    `json:"number"`
	Start        time.Time `json:"start"`
	Seconds      float64   `json:"seconds"`
	SpeedKph     float64   `json:"speed_kph"`
	GammaMax     uint32    `json:"gamma_max"`
	NeutronMax   uint32    `json:"neutron_max"`
	Sigma        float64   `json:"sigma"`
	GammaAlarm   bool      `json:"gamma_alarm"`
	NeutronAlarm bool      `json:"neutron_alarm"`
	Recomputed   bool      `json:"gamma_alarm_recomputed"`
	End          string    `json:"end"`
	Incomplete   bool      `json:"incomplete"`
}

// describeDaily reads the whole of in with the rule that monitors have by default, and times in UTC. Without a date
// in name the day is 1970-01-01. A file of which no line can be decoded is an error.
func describeDaily(in io.Reader, name string) (driver.Description, error) {
	h := sha256.New()
	r := &recording{
		session: newSession(discard{}, alarmRule{nSigma: 7, intervals: 5}, 10*time.Second),
		clock:   fileClock{day: fileDay(name, time.Unix(0, 0), time.UTC), last: -1},
	}
	s := &DailySummary{Format: dailyName, Occupancies: []OccupancySummary{}, Others: map[string]int{}}
	step := func() error {
		for _, o := range append(r.tracker.drain(), r.faults.Take()...) {
			s.add(o)
		}
		return nil
	}
	if err := r.read(io.TeeReader(in, h), step); err != nil {
		return nil, err
	}
	r.tracker.breakOff()
	if err := step(); err != nil {
		return nil, err
	}
	if r.decoded == 0 {
		return nil, message.Errorf("tsa.none", message.Count("n", r.lines))
	}
	s.SHA256, s.Lines, s.Faults, s.Estimated = fmt.Sprintf("%x", h.Sum(nil)), r.lines, r.faults.Total, r.clock.last < 0
	return s, nil
}

func (s *DailySummary) add(o *observation.Observation) {
	switch b := o.Body.Typed().(type) {
	case *observation.RadiationBackground:
		s.Backgrounds++
	case *observation.RadiationOccupancy:
		s.Occupancies = append(s.Occupancies, OccupancySummary{
			Number: b.Number, Start: o.Time(), Seconds: float64(b.EndNs-b.StartNs) / 1e9,
			SpeedKph: round(b.SpeedKph, 10),
			GammaMax: b.GammaMax, NeutronMax: b.NeutronMax, Sigma: round(b.SigmaMax, 100), GammaAlarm: b.GammaAlarm,
			NeutronAlarm: b.NeutronAlarm, Recomputed: b.GammaAlarmRecomputed, Incomplete: b.Incomplete,
			End: b.End.String()[len("END_"):],
		})
	case *observation.DeviceFault:
		if s.FirstFault == "" {
			s.FirstFault, s.firstFault = b.Reason, driver.DecodeMessage(b.Message, b.Reason)
		}
	default:
		s.Others[o.Body.Kind().Name()]++
	}
}

func round(v float32, unit float64) float64 { return math.Round(float64(v)*unit) / unit }

// Text implements driver.Description.
func (s *DailySummary) Text() []message.Message {
	out := []message.Message{message.New("decode.daily", message.Count("n", s.Lines), message.Int("unread", s.Faults),
		message.Nested("backgrounds", message.New("decode.backgrounds", message.Count("n", s.Backgrounds))),
		message.Nested("occupancies", message.New("decode.occupancies", message.Count("n", len(s.Occupancies)))))}
	if s.FirstFault != "" {
		out = append(out, message.New("decode.first-unread", message.Nested("what", s.firstFault)))
	}
	if s.Estimated {
		out = append(out, message.New("decode.no-times"))
	}
	for _, o := range s.Occupancies {
		out = append(out, driver.Indented(o.line()))
	}
	return out
}

// line describes an occupancy, in columns.
func (o *OccupancySummary) line() message.Message {
	return message.Join("\t", message.New("decode.occupancy", message.Int("number", o.Number)),
		message.Verbatim(o.Start.Format("2006-01-02 15:04:05.000 MST")),
		message.New("decode.number", message.Aligned("value", o.Seconds, 1, "s")),
		message.New("decode.number", message.Aligned("value", o.SpeedKph, 1, "km/h")),
		message.New("decode.gamma-max", message.Int("gamma", o.GammaMax)),
		message.New("decode.neutron-max", message.Int("neutron", o.NeutronMax)),
		message.New("decode.sigma", message.Aligned("sigma", o.Sigma, 1, "")), o.verdict())
}

// verdict describes which alarms the portal gave, and how the occupancy ended unless the portal marked its end (GX).
func (o *OccupancySummary) verdict() message.Message {
	alarm := message.New("decode.no-alarm")
	switch {
	case o.GammaAlarm && o.NeutronAlarm:
		alarm = message.New("decode.both-alarms")
	case o.GammaAlarm:
		alarm = message.New("decode.gamma-alarm")
	case o.NeutronAlarm:
		alarm = message.New("decode.neutron-alarm")
	case o.Recomputed:
		alarm = message.New("decode.recomputed-alarm")
	}
	var end message.Message
	switch o.End {
	case "TIMEOUT":
		end = message.New("decode.end-timeout")
	case "DISCONNECT":
		end = message.New("decode.end-disconnect")
	case "BACKGROUND":
		end = message.New("decode.end-background")
	}
	return message.Join(", ", alarm, end)
}

// discard is the sink of a file that is only described.
type discard struct{}

func (discard) Commit(context.Context, ...*observation.Observation) (int, error) { return 0, nil }
func (discard) State(observation.DeviceState_State, message.Message)             {}
func (discard) Live(driver.Sample)                                               {}
func (discard) Latest(context.Context, observation.Kind) (*observation.Observation, error) {
	return nil, nil
}
func (discard) OpenArtifact(*observation.Artifact) (observation.ArtifactReader, error) {
	return observation.InlineArtifact(nil), nil
}
func (discard) StoreArtifact(context.Context, io.Reader, string, string) (*observation.Artifact, error) {
	return &observation.Artifact{}, nil
}
