// Package firmwareconfig is what lanes and devices are configured with. A YAML file goes in, decoded strictly against
// the drivers' Specs; a Config comes out, or errors with line, column and a suggestion. It also makes the JSON Schema
// and embeds the example lane files.
package firmwareconfig

import (
	"embed"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/observation"
)

// Lanes are the example lane files.
//
//go:embed lanes/*.yaml
var Lanes embed.FS

// Config is one agent's file.
type Config struct {
	Site    Site     `yaml:"site" required:"true"`
	Agent   Agent    `yaml:"agent" required:"true"`
	Lanes   []Lane   `yaml:"lanes" required:"true"`
	Devices []Device `yaml:"devices"`
	Uplink  *Uplink  `yaml:"uplink"`
	Console Console  `yaml:"console"`

	File   string   `yaml:"-"` // where it was read from, absolute; "" when from no file
	Text   string   `yaml:"-"` // the file
	SHA256 [32]byte `yaml:"-"` // of it
}

// Site is a place at the border.
type Site struct {
	ID    string `yaml:"id" required:"true" format:"id" example:"emerson-east"`
	Title string `yaml:"title"`
	Kind  string `yaml:"kind" default:"land" enum:"land,joint-facility,rail,marine,inland"`
}

// Agent is the box that runs laned.
type Agent struct {
	ID        string `yaml:"id" required:"true" format:"id" example:"lane-3"`
	StateDir  string `yaml:"state_dir" default:"/var/lib/lanewarden"`
	TapeBytes int64  `yaml:"tape_bytes" default:"8388608" min:"524288" max:"1073741824" unit:"bytes"`
}

// Lane is one way that vehicles go through the site.
type Lane struct {
	ID        string `yaml:"id" required:"true" format:"id"`
	Title     string `yaml:"title"`
	Direction string `yaml:"direction" default:"inbound" enum:"inbound,outbound,both"`

	Stations []Station     `yaml:"stations"`
	SpeedKph float64       `yaml:"speed" default:"6" min:"0.5" max:"120" unit:"km/h"`
	Timeout  time.Duration `yaml:"timeout" default:"3m" min:"10s" max:"24h"`
	Late     time.Duration `yaml:"late" default:"24h" min:"1m" max:"720h"`
}

// Station is a place in a lane.
type Station struct {
	ID       string   `yaml:"id" required:"true" format:"id"`
	Position float64  `yaml:"position" required:"true" min:"0" max:"10000" unit:"m"`
	Devices  []string `yaml:"devices" required:"true" format:"device"`
	Late     bool     `yaml:"late"`
}

// Check implements driver.Checker.
func (l Lane) Check() error {
	seen := map[string]bool{}
	for i, s := range l.Stations {
		if i > 0 && s.Position < l.Stations[i-1].Position {
			return fmt.Errorf("station %s at %g m stands behind %s at %g m: stations are in the order in which vehicles come to them", s.ID, s.Position, l.Stations[i-1].ID, l.Stations[i-1].Position)
		}
		for _, d := range s.Devices {
			if seen[d] {
				return fmt.Errorf("device %s is at two stations of lane %s", d, l.ID)
			}
			seen[d] = true
		}
	}
	return nil
}

// mostTogether is the most devices that one lane, or lanes that share devices, may have at their stations: vehicles
// are told apart by all of them together.
const mostTogether = 64

// checkTogether holds lanes that share devices against mostTogether.
func checkTogether(lanes []Lane) error {
	type group struct{ lanes, devices []string }
	var groups []group
	for _, l := range lanes {
		mine := group{lanes: []string{l.ID}}
		for _, s := range l.Stations {
			mine.devices = append(mine.devices, s.Devices...)
		}
		rest := groups[:0]
		for _, g := range groups {
			if !slices.ContainsFunc(g.devices, func(d string) bool { return slices.Contains(mine.devices, d) }) {
				rest = append(rest, g)
				continue
			}
			mine.lanes = append(g.lanes, mine.lanes...)
			mine.devices = append(mine.devices, g.devices...)
		}
		slices.Sort(mine.lanes)
		slices.Sort(mine.devices)
		mine.devices = slices.Compact(mine.devices)
		if n := len(mine.devices); n > mostTogether {
			return fmt.Errorf("too many devices at the stations of lane %s: %d, where one lane, or lanes that share devices, have %d at most",
				strings.Join(mine.lanes, " and "), n, mostTogether)
		}
		groups = append(rest, mine)
	}
	return nil
}

// Check implements driver.Checker. A device that sees vehicles of several lanes stands in a station of each: one of
// these is its own, or it is of the whole site.
func (c Config) Check() error {
	at := map[string][]string{} // of devices, the lanes at whose stations they stand
	for _, l := range c.Lanes {
		for _, s := range l.Stations {
			for _, d := range s.Devices {
				at[d] = append(at[d], l.ID)
			}
		}
	}
	if err := checkTogether(c.Lanes); err != nil {
		return err
	}
	for _, d := range c.Devices {
		switch lanes := at[d.ID]; {
		case len(lanes) == 0 || slices.Contains(lanes, d.Lane), len(lanes) > 1 && d.Lane == "":
		case len(lanes) == 1:
			return fmt.Errorf("device %s stands at a station of lane %s and is of lane %q: give it lane: %s",
				d.ID, lanes[0], d.Lane, lanes[0])
		default:
			return fmt.Errorf("device %s stands at stations of lanes %s and is of lane %q: give it one of these, or none",
				d.ID, strings.Join(lanes, ", "), d.Lane)
		}
	}
	return nil
}

// Device is one instrument.
type Device struct {
	ID       string `yaml:"id" required:"true" format:"id"`
	Title    string `yaml:"title"`
	Driver   string `yaml:"driver" required:"true" format:"driver"`
	Lane     string `yaml:"lane" format:"lane"`
	Settings any    `yaml:"settings"` // a pointer to the Spec's Config
}

// Uplink is the link to the centre.
type Uplink struct {
	Broker       string        `yaml:"broker" required:"true" format:"broker" example:"mqtts://hub.example:8883"`
	Username     string        `yaml:"username"`
	PasswordFile string        `yaml:"password_file" format:"file"`
	CAFile       string        `yaml:"ca_file" format:"file"`
	CertFile     string        `yaml:"cert_file" format:"file"`
	KeyFile      string        `yaml:"key_file" format:"file"`
	KeepAlive    time.Duration `yaml:"keep_alive" default:"20s" min:"5s" max:"10m"`
}

// Console is the local API.
type Console struct {
	Socket       string `yaml:"socket"`
	Listen       string `yaml:"listen" format:"hostport" example:"127.0.0.1:8480"`
	URL          string `yaml:"url" format:"url" example:"https://lane-3.emerson-east.example:8480"`
	AccountsFile string `yaml:"accounts_file" format:"file"`
	CertFile     string `yaml:"cert_file" format:"file"`
	KeyFile      string `yaml:"key_file" format:"file"`
	ClientCAFile string `yaml:"client_ca_file" format:"file"`
}

// Check implements driver.Checker.
func (c Console) Check() error {
	host, _, err := net.SplitHostPort(c.Listen)
	switch {
	case (c.CertFile == "") != (c.KeyFile == ""):
		return errors.New("cert_file and key_file belong together")
	case c.ClientCAFile != "" && (c.CertFile == "" || c.AccountsFile == ""):
		return errors.New("client_ca_file needs cert_file and accounts_file: a certificate names an account")
	case c.Listen == "" || err != nil:
		return nil
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	if c.CertFile == "" || c.AccountsFile == "" {
		return fmt.Errorf("%s is reached from other machines: cert_file, key_file and accounts_file are needed", c.Listen)
	}
	return nil
}

// Inventory returns what the agent runs, in the vocabulary of the wire.
func (c *Config) Inventory() *observation.Inventory {
	inv := &observation.Inventory{Site: c.Site.ID, SiteKind: c.Site.Kind, Agent: c.Agent.ID, ConsoleUrl: c.Console.URL}
	for _, l := range c.Lanes {
		inv.Lanes = append(inv.Lanes, &observation.Lane{Id: l.ID, Title: l.Title, Direction: l.Direction})
	}
	for _, d := range c.Devices {
		inv.Devices = append(inv.Devices, &observation.Device{Id: d.ID, Title: d.Title, Driver: d.Driver, Lane: d.Lane})
	}
	return inv
}
