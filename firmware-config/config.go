// Package firmwareconfig is what lanes and devices are configured with. A YAML file goes in, decoded strictly against
// the drivers' Specs; a Config comes out, or Problems with line, column and a suggestion, which message.Of says in the
// reader's language. It also makes the JSON Schema and embeds the example lane files and the built-in documents.
package firmwareconfig

import (
	"cmp"
	"embed"
	"net"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Lanes are the example lane files.
//
//go:embed lanes/*.yaml
var Lanes embed.FS

// Config is one agent's lane file. The tags of this struct and of those in it are the file's format: "yaml" is the key,
// "min" and "max" are inclusive bounds, "unit" is the unit in which a number is given, "default" is what holds when the
// key is missing, "format" names a check of format. What each key is for is in the catalogue of messages.
type Config struct {
	Site    Site     `yaml:"site" required:"true"`
	Agent   Agent    `yaml:"agent" required:"true"`
	Lanes   []Lane   `yaml:"lanes" required:"true"` // one at least
	Devices []Device `yaml:"devices"`
	Uplink  *Uplink  `yaml:"uplink"` // nil: the agent only journals
	Console Console  `yaml:"console"`
	// Cases is how alarms are adjudicated; nil for the standard policy.
	Cases *Cases `yaml:"cases"`

	File   string   `yaml:"-"` // where it was read from, absolute; "" when decoded from no file
	Text   string   `yaml:"-"` // the file as it was read
	SHA256 [32]byte `yaml:"-"` // of Text
}

// Site is a place at the border: the first level of the names of topics and journals.
type Site struct {
	ID    string `yaml:"id" required:"true" format:"id" example:"emerson-east"`
	Title string `yaml:"title"`
	Kind  string `yaml:"kind" default:"land" enum:"land,joint-facility,rail,marine,inland"`
	// Latitude and Longitude are where the centre's map shows the site: WGS 84, north and east positive. Both 0 for
	// nowhere.
	Latitude  float64 `yaml:"latitude" min:"-90" max:"90" unit:"degrees"`
	Longitude float64 `yaml:"longitude" min:"-180" max:"180" unit:"degrees"`
}

// Agent is the machine that runs laned. Its ID is unique within the site.
type Agent struct {
	ID        string `yaml:"id" required:"true" format:"id" example:"lane-3"`
	StateDir  string `yaml:"state_dir" default:"/var/lib/lanewarden"`
	TapeBytes int64  `yaml:"tape_bytes" default:"8388608" min:"524288" max:"1073741824" unit:"bytes"`
	// DiskBudget is what journal, artifacts and tapes together may take, in bytes; 0 for 80 % of the file system.
	DiskBudget int64 `yaml:"disk_budget" min:"67108864" unit:"bytes"`
	// PersonalDays is after how many days plates, codes and other personal data are erased; 0 for never.
	PersonalDays int `yaml:"personal_days" min:"0" max:"36500" unit:"days"`
}

// Lane is one way that vehicles go through the site.
type Lane struct {
	ID        string `yaml:"id" required:"true" format:"id"`
	Title     string `yaml:"title"`
	Direction string `yaml:"direction" default:"inbound" enum:"inbound,outbound,both"`

	// Stations are in the order in which vehicles come to them. A lane without stations has no passages.
	Stations []Station `yaml:"stations"`
	// SpeedKph is the usual speed in km/h, until it is learned from passages.
	SpeedKph float64 `yaml:"speed" default:"6" min:"0.5" max:"120" unit:"km/h"`
	// Timeout closes a passage for which nothing more came.
	Timeout time.Duration `yaml:"timeout" default:"3m" min:"10s" max:"24h"`
	// Late is how long after its end a passage takes results of stations that report late.
	Late time.Duration `yaml:"late" default:"24h" min:"1m" max:"720h"`
	// Clearance decides about the vehicle at the lane's booth; nil for a lane that records only.
	Clearance *Clearance `yaml:"clearance"`
}

// Station is a place in a lane at which devices see vehicles.
type Station struct {
	ID string `yaml:"id" required:"true" format:"id"` // unique within the lane
	// Position is in m, from the lane's beginning to where a vehicle's front is seen.
	Position float64  `yaml:"position" required:"true" min:"0" max:"10000" unit:"m"`
	Devices  []string `yaml:"devices" required:"true" format:"device"` // ids
	// Late says that results come some time after the vehicle, and name what they are about: a swab, an X-ray image.
	Late bool `yaml:"late"`
}

// positionDecimals is how many decimals of a position, in m, a message has at most.
const positionDecimals = 3

// Check implements driver.Checker: stations are in the order of their positions, and no device is at two of them.
func (l Lane) Check() error {
	seen := map[string]bool{}
	for i, s := range l.Stations {
		if i > 0 && s.Position < l.Stations[i-1].Position {
			before := l.Stations[i-1]
			return message.Errorf("config.station-order", message.String("station", s.ID),
				message.Number("at", s.Position, positionDecimals), message.String("before", before.ID),
				message.Number("beforeAt", before.Position, positionDecimals))
		}
		for _, d := range s.Devices {
			if seen[d] {
				return message.Errorf("config.two-stations", message.String("device", d), message.String("lane", l.ID))
			}
			seen[d] = true
		}
	}
	if l.Clearance != nil {
		return l.Clearance.check(l.ID, l.Stations)
	}
	return nil
}

// mostTogether is the most devices that one lane, or lanes that share devices, may have at their stations: vehicles
// are told apart by all of them together.
const mostTogether = 64

// checkTogether returns an error when a lane, or lanes that share devices directly or through others, have more than
// mostTogether devices at their stations.
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
			return message.Errorf("config.together", message.Nested("lanes", enumerate(mine.lanes)),
				message.Int("count", n), message.Int("most", mostTogether))
		}
		groups = append(rest, mine)
	}
	return nil
}

// enumerate joins names, one at least, with the language's word for and.
func enumerate(names []string) message.Message {
	m := message.Verbatim(names[0])
	for _, n := range names[1:] {
		m = message.New("config.and", message.Nested("first", m), message.String("second", n))
	}
	return m
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
	if err := checkPolicies(c); err != nil {
		return err
	}
	for _, d := range c.Devices {
		switch lanes := at[d.ID]; {
		case len(lanes) == 0 || slices.Contains(lanes, d.Lane), len(lanes) > 1 && d.Lane == "":
		case len(lanes) == 1 && d.Lane == "":
			return message.Errorf("config.no-own-lane", message.String("device", d.ID),
				message.String("station", lanes[0]))
		case len(lanes) == 1:
			return message.Errorf("config.own-lane", message.String("device", d.ID),
				message.String("station", lanes[0]), message.Quoted("lane", d.Lane))
		default:
			return message.Errorf("config.own-lanes", message.String("device", d.ID),
				message.String("stations", strings.Join(lanes, ", ")), message.Quoted("lane", d.Lane))
		}
	}
	return nil
}

// Device is one instrument.
type Device struct {
	ID       string `yaml:"id" required:"true" format:"id"` // unique within the agent
	Title    string `yaml:"title"`
	Driver   string `yaml:"driver" required:"true" format:"driver"` // name of its Spec
	Lane     string `yaml:"lane" format:"lane"`                     // "" for a device of the whole site
	Settings any    `yaml:"settings"`                               // a pointer to a copy of the Spec's Config
}

// Uplink is the link to the centre, over MQTT. Secrets are in files of their own, which the lane file names; the files
// are readable when the lane file is checked. Broker and Way are the preferred path, and Paths those that are taken in
// their order while it is down, with the same credentials.
type Uplink struct {
	Broker       string        `yaml:"broker" required:"true" format:"broker" example:"mqtts://hub.example:8883"`
	Username     string        `yaml:"username"`
	PasswordFile string        `yaml:"password_file" format:"file"`
	CAFile       string        `yaml:"ca_file" format:"file"`
	CertFile     string        `yaml:"cert_file" format:"file"`
	KeyFile      string        `yaml:"key_file" format:"file"`
	KeepAlive    time.Duration `yaml:"keep_alive" default:"20s" min:"5s" max:"10m"`
	Way          `yaml:",inline"`
	Paths        []Path `yaml:"paths"`
	// ReturnAfter is how long a preferred path must answer before it is taken again.
	ReturnAfter time.Duration `yaml:"return_after" default:"1m" min:"10s" max:"1h"`
	Orders      Orders        `yaml:"orders"`
}

// Orders is what the lane takes from the centre: lists, configuration, firmware, commands (docs/orders.md).
type Orders struct {
	// Root is the root of trust: root.json of lanehub orders init, which lanectl enroll or a person brings. Without it the lane takes
	// nothing, whoever offers it.
	Root string `yaml:"root" format:"file" example:"/etc/lanewarden/root.json"`
	// StaleAfter is the age of the centre's newest statement from which people are told.
	StaleAfter time.Duration `yaml:"stale_after" default:"168h" min:"1h" max:"8760h"`
	DiskBytes  int64         `yaml:"disk_bytes" default:"2147483648" min:"1048576" unit:"bytes"`
	// BundleWait is how long a new configuration waits for a moment without a vehicle; then it is taken all the same.
	BundleWait time.Duration `yaml:"bundle_wait" default:"1h" min:"0s" max:"168h"`
}

// Path is a further way to the centre.
type Path struct {
	ID     string `yaml:"id" required:"true" format:"id" example:"cellular"`
	Broker string `yaml:"broker" format:"broker" example:"mqtts://hub.example:8883"` // "" for that of the uplink
	Way    `yaml:",inline"`
}

// MainPath is the id of the preferred path, which stands in the uplink itself.
const MainPath = "main"

// Way is what one path costs and may carry.
type Way struct {
	Interface    string `yaml:"interface" example:"wwan0"` // network interface; "" for the one that the system chooses
	MonthlyBytes int64  `yaml:"monthly_bytes" min:"1048576" unit:"bytes"`
	Artifacts    string `yaml:"artifacts" default:"always" format:"hours" example:"22:00-06:00"`
	Telemetry    string `yaml:"telemetry" default:"always" format:"hours" example:"never"`
}

// AllPaths returns the paths in order of preference, the preferred one first, each with its broker.
func (u *Uplink) AllPaths() []Path {
	all := append([]Path{{ID: MainPath, Broker: u.Broker, Way: u.Way}}, u.Paths...)
	for i := range all {
		all[i].Broker = cmp.Or(all[i].Broker, u.Broker)
	}
	return all
}

// Check implements driver.Checker: no further path has the id of the preferred one.
func (p Path) Check() error {
	if p.ID == MainPath {
		return message.Errorf("config.path-main", message.Quoted("id", p.ID))
	}
	return nil
}

// Console is the local API: a Unix socket always, and HTTP at Listen when that is given.
type Console struct {
	Socket       string `yaml:"socket"`
	Listen       string `yaml:"listen" format:"hostport" example:"127.0.0.1:8480"`
	URL          string `yaml:"url" format:"url" example:"https://lane-3.emerson-east.example:8480"`
	AccountsFile string `yaml:"accounts_file" format:"file"`
	CertFile     string `yaml:"cert_file" format:"file"`
	KeyFile      string `yaml:"key_file" format:"file"`
	ClientCAFile string `yaml:"client_ca_file" format:"file"`
}

// Check implements driver.Checker: an address that other machines reach needs TLS and accounts, a certificate its key,
// and client certificates need both.
func (c Console) Check() error {
	host, _, err := net.SplitHostPort(c.Listen)
	switch {
	case (c.CertFile == "") != (c.KeyFile == ""):
		return message.Errorf("settings.cert-key")
	case c.ClientCAFile != "" && (c.CertFile == "" || c.AccountsFile == ""):
		return message.Errorf("config.accounts")
	case c.Listen == "" || err != nil:
		return nil
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	if c.CertFile == "" || c.AccountsFile == "" {
		return message.Errorf("config.reached", message.String("address", c.Listen))
	}
	return nil
}

// Inventory returns what the agent runs, as its journal and the wire have it. Settings are not part of it.
func (c *Config) Inventory() *observation.Inventory {
	inv := &observation.Inventory{Site: c.Site.ID, SiteKind: c.Site.Kind, Agent: c.Agent.ID, ConsoleUrl: c.Console.URL,
		SiteTitle: c.Site.Title, Latitude: c.Site.Latitude, Longitude: c.Site.Longitude}
	for _, l := range c.Lanes {
		inv.Lanes = append(inv.Lanes, &observation.Lane{Id: l.ID, Title: l.Title, Direction: l.Direction})
	}
	for _, d := range c.Devices {
		inv.Devices = append(inv.Devices, &observation.Device{Id: d.ID, Title: d.Title, Driver: d.Driver, Lane: d.Lane})
	}
	return inv
}
