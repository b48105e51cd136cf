package simulate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lanewarden/cmd/internal/agent"
	"lanewarden/cmd/internal/cutlink"
	"lanewarden/drivers"
	"lanewarden/drivers/message"
	"lanewarden/edge/accounts"
	"lanewarden/edge/api/passwords"
	firmwareconfig "lanewarden/firmware-config"
)

// site is one site of a demonstration: a box, and the devices of its lane.
type site struct {
	scenario string
	host     string // the address of this machine that it has to itself, so that sites can have the same ports
	dir      string
	vehicles int  // a day; 0 for as many as the scenario has
	away     bool // its link comes and goes

	id, title string // as the lane file has them
	lane      *conductor
}

// sitesOf returns the sites of a demonstration in a folder: the one of a scenario, or three where none is named. Joint
// post and railway then have more traffic than their scenarios' days, so that nobody waits long for something to see.
func sitesOf(scenario, dir string) []*site {
	if scenario != "" {
		return []*site{{scenario: scenario, host: "127.0.0.1", dir: dir}}
	}
	return []*site{
		{scenario: "demo", host: "127.0.0.1", dir: dir},
		{scenario: "joint-post", host: "127.0.0.2", dir: filepath.Join(dir, "joint-post"), vehicles: 600, away: true},
		{scenario: "rail", host: "127.0.0.3", dir: filepath.Join(dir, "rail"), vehicles: 1800},
	}
}

// Ports of consoles and of the broker in the embedded lane files.
const consolePort, brokerPort = ":8480", ":18830"

// console is the address of its console.
func (s *site) console() string { return s.host + consolePort }

// broker is the address where its box reaches the hub.
func (s *site) broker() string { return s.host + brokerPort }

// socket is the path of its agent's local API.
func (s *site) socket() string { return filepath.Join(s.dir, "agent", agent.SocketName) }

// file is the path of its lane file.
func (s *site) file() string { return filepath.Join(s.dir, "lane.yaml") }

// laneFile returns the embedded lane file of a scenario: the one of its name, or that of make run,
// whose devices the other scenarios share.
func laneFile(scenario string) ([]byte, error) {
	text, err := firmwareconfig.Lanes.ReadFile("lanes/" + scenario + ".yaml")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) { // invalid: a path
		return firmwareconfig.Lanes.ReadFile("lanes/demo.yaml")
	}
	return text, err
}

// prepare makes a site ready to run: its folder with lane file, accounts and lists, and the devices of its lane.
func (d *demo) prepare(ctx context.Context, s *site) error {
	if err := d.writeConfig(s); err != nil {
		return err
	}
	cfg, err := firmwareconfig.Load(s.file(), drivers.Catalog)
	if err != nil {
		return err
	}
	s.id, s.title = cfg.Site.ID, cfg.Site.Title
	if s.lane, err = conduct(s.scenario, cfg, uint64(time.Now().Unix()), 12*time.Hour); err != nil {
		return err
	}
	if s.vehicles > 0 {
		s.lane.scenario.Vehicles = s.vehicles
	}
	// Vehicles stay away once the disk that the demonstration may use is spent.
	s.lane.hold = d.full.Load
	return s.giveLists(ctx)
}

// writeConfig writes the embedded lane file of a site with its folder, addresses and accounts in it.
func (d *demo) writeConfig(s *site) error {
	text, err := laneFile(s.scenario)
	if err != nil {
		return err
	}
	for _, folder := range []string{"n42", "trace"} {
		if err := os.MkdirAll(filepath.Join(s.dir, folder), 0o750); err != nil {
			return err
		}
	}
	book, err := s.writeAccounts()
	if err != nil {
		return err
	}
	lane := strings.ReplaceAll(string(text), "127.0.0.1", s.host)
	if lane, err = d.lenient(s, lane); err != nil {
		return err
	}
	if lane, err = d.giveOrders(s, lane); err != nil {
		return err
	}
	// All paths in the embedded lane files begin with .run/.
	lane = strings.ReplaceAll(lane, " .run/", " "+s.dir+"/")
	listen := fmt.Sprintf("console: {listen: %q, url: %q", s.console(), "http://"+s.console()+"/")
	lane = strings.Replace(lane, listen, listen+fmt.Sprintf(", accounts_file: %q", book), 1)
	return os.WriteFile(s.file(), []byte(lane), 0o640)
}

// writeAccounts writes an accounts file with an account for each role, named after it, and returns
// its path. All have the same password, which is printed: the console listens on this machine
// alone.
func (s *site) writeAccounts() (string, error) {
	var all []accounts.Account
	for role := accounts.Viewer; role <= accounts.Admin; role++ {
		hash, err := passwords.Hash(demoPassword)
		if err != nil {
			return "", err
		}
		all = append(all, accounts.Account{Name: role.String(), Role: role, Hash: hash})
	}
	path := filepath.Join(s.dir, "accounts")
	return path, accounts.Write(path, all)
}

// How long a link that comes and goes is up and down.
const linkUp, linkDown = 3 * time.Minute, 2 * time.Minute

// carry carries the connections of a site's box to the hub until stopped is closed.
func (d *demo) carry(s *site, stopped <-chan struct{}) error {
	link := cutlink.New(s.broker(), demoMQTT)
	defer link.Cut()
	for {
		if err := link.Restore(); err != nil {
			return err
		}
		if !s.away {
			<-stopped
			return nil
		}
		if isClosedWithin(stopped, linkUp) {
			return nil
		}
		link.Cut()
		d.event(s, d.p.Phrase("sim.link-cut", message.Duration("for", linkDown)))
		if isClosedWithin(stopped, linkDown) {
			return nil
		}
		d.event(s, d.p.Phrase("sim.link-back"))
	}
}

// isClosedWithin waits until a channel is closed, for so long at most, and reports whether it is.
func isClosedWithin(c <-chan struct{}, most time.Duration) bool {
	select {
	case <-c:
		return true
	case <-time.After(most):
		return false
	}
}

// event prints something that happened at a site, whose name goes before it where there are several.
func (d *demo) event(s *site, text string) {
	if len(d.sites) > 1 {
		text = d.p.Phrase("within", message.String("where", s.id), message.String("cause", text))
	}
	d.screen.Event(text)
}
