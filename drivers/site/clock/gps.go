package clock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"lanewarden/drivers/message"
)

// maxLine bounds a message of gpsd, maxReceivers the receivers that are listed.
const (
	maxLine      = 64 << 10
	maxReceivers = 16
)

// gps folds gpsd's messages (gpsd_json(5)) into the state of its receivers. It knows no clock but the times of what
// it is given.
type gps struct {
	receivers  []string // paths of the devices that gpsd has open
	listed     bool     // gpsd has said which it has
	mode       string   // of modes; "" before the first report
	satellites uint32
	offset     *float64  // receiver's time less the agent's, ms; nil without fix
	heard      time.Time // a receiver last said where it is, or that it does not know
}

// modes are the values of "mode" in a TPV report.
var modes = map[int]string{0: "none", 1: "no-fix", 2: "2d", 3: "3d"}

// staleAfter is the time for which a fix holds without another one: receivers tell theirs every second.
const staleAfter = 15 * time.Second

// gpsdMessage holds the fields of gpsd's messages that are used. Source: gpsd_json(5). Examples:
//
//	{"class":"TPV","mode":3,"time":"2026-11-25T12:00:00.000Z",...}
//	{"class":"SKY","uSat":8,"satellites":[{"used":true},...]}
//	{"class":"DEVICES","devices":[{"path":"/dev/ttyACM0","activated":"2026-..."}]}
//	{"class":"DEVICE","path":"/dev/ttyACM0","activated":0}
type gpsdMessage struct {
	Class      string `json:"class"`
	Mode       int    `json:"mode"`
	Time       string `json:"time"`
	Used       uint32 `json:"uSat"`
	Satellites []struct {
		Used bool `json:"used"`
	} `json:"satellites"`
	Devices []gpsdDevice `json:"devices"`
	gpsdDevice
	Message string `json:"message"` // of class ERROR
}

// gpsdDevice is a receiver. A receiver that was unplugged, or is not open yet, has no time of activation: it is 0,
// empty, or not there.
type gpsdDevice struct {
	Path      string          `json:"path"`
	Activated json.RawMessage `json:"activated"`
}

// active reports whether gpsd has the receiver open.
func (d gpsdDevice) active() bool {
	text := string(bytes.Trim(d.Activated, `"`))
	return text != "" && text != "0" && text != "null"
}

// handleMessage handles a message of gpsd that came at the time at. What is no JSON, and gpsd's own ERROR, are
// errors; classes that are not used are passed over.
func (g *gps) handleMessage(at time.Time, line []byte) error {
	var m gpsdMessage
	if err := json.Unmarshal(line, &m); err != nil {
		return fmt.Errorf("a message of gpsd that is no JSON: %w", err)
	}
	switch m.Class {
	case "TPV":
		g.setFix(at, m)
	case "SKY":
		g.satellites = m.Used
		for _, s := range m.Satellites {
			if s.Used && m.Used == 0 {
				g.satellites++
			}
		}
	case "DEVICES":
		g.receivers, g.listed = nil, true
		for _, d := range m.Devices {
			g.setReceiver(d, d.Path != "") // what is listed was found; whether it says anything is seen by its reports
		}
	case "DEVICE":
		g.setReceiver(m.gpsdDevice, m.active())
	case "ERROR":
		return fmt.Errorf("gpsd reports: %s", m.Message)
	}
	return nil
}

// setReceiver notes that gpsd has a receiver, or has it no longer; with the last one its fix goes.
func (g *gps) setReceiver(d gpsdDevice, there bool) {
	g.receivers = slices.DeleteFunc(g.receivers, func(path string) bool { return path == d.Path })
	if there && len(g.receivers) < maxReceivers {
		g.receivers = append(g.receivers, d.Path)
	}
	if !there && len(g.receivers) == 0 {
		g.clearFix()
	}
}

// setFix takes over a TPV report. The offset includes the delay of the receiver's message (gpsDelay).
func (g *gps) setFix(at time.Time, m gpsdMessage) {
	g.mode, g.heard, g.offset = modes[m.Mode], at, nil
	if m.Mode == 0 {
		g.heard = time.Time{} // no receiver has said anything: gpsd sends such reports too
	}
	if t, err := time.Parse(time.RFC3339, m.Time); err == nil && m.Mode >= 2 {
		ms := float64(t.UnixMicro()-at.UnixMicro()) / 1000 // durations end at 292 years
		g.offset = &ms
	}
}

// clearFix forgets what a receiver said.
func (g *gps) clearFix() { g.mode, g.satellites, g.offset, g.heard = "none", 0, nil, time.Time{} }

// tick lets a fix grow old.
func (g *gps) tick(at time.Time) {
	if !g.heard.IsZero() && at.Sub(g.heard) > staleAfter {
		g.clearFix()
	}
}

func (g *gps) hasFix() bool { return g.mode == "2d" || g.mode == "3d" }

const (
	week          = 7 * 24 * time.Hour
	rolloverWeeks = 1024 // the week number of the GPS signal has 10 bits: IS-GPS-200, 20.3.3.3.1.1
	rolloverSlack = 12 * time.Hour
)

// rollover returns how many weeks a receiver is off whose week number has run over, 0 for none. Its time of day is
// right.
func rollover(offsetMs float64) int {
	span := float64((rolloverWeeks * week).Milliseconds())
	for n := 1; n <= 3; n++ {
		for _, sign := range []float64{-1, 1} {
			if d := offsetMs - sign*float64(n)*span; max(d, -d) < float64(rolloverSlack.Milliseconds()) {
				return int(sign) * n * rolloverWeeks
			}
		}
	}
	return 0
}

// rolloverText says by how much GPS time is off, in weeks and years.
func rolloverText(weeks int) message.Message {
	if weeks < 0 {
		return message.New("clock.rollover-behind", message.Int("weeks", -weeks),
			message.Number("years", float64(-weeks)*7/365.25, 1))
	}
	return message.New("clock.rollover-ahead", message.Int("weeks", weeks),
		message.Number("years", float64(weeks)*7/365.25, 1))
}

// leapSeconds is the lead of GPS time over UTC since 2017. A receiver that has not heard the almanac yet gives GPS
// time.
const leapSeconds = 18

// offsetText says what may be the matter: some 18 s are missing leap seconds.
func offsetText(offsetMs float64) message.Message {
	if s := offsetMs / 1000; s > leapSeconds-2 && s < leapSeconds+1 {
		return message.New("clock.leap-seconds")
	}
	return message.New("clock.gps-differs")
}
