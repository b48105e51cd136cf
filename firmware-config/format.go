package firmwareconfig

import (
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
)

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// format checks a text against the format in its field's tag: id, hostport, broker, url, file (readable now),
// hours, timezone, driver. Names of lanes and devices are kept, and checked when the whole file is read.
func (d *decoder) format(n ast.Node, f field, text string) error {
	switch f.format {
	case "id":
		if !idPattern.MatchString(text) {
			return message.Errorf("config.no-id", message.Quoted("value", text))
		}
	case "hostport":
		return checkHostPort(text)
	case "broker":
		return checkBroker(text)
	case "url":
		if u, err := url.Parse(text); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return message.Errorf("config.no-url", message.Quoted("value", text))
		}
	case "file":
		if err := checkFile(text); !d.absentFiles || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	case "hours":
		_, err := ParseHours(text)
		return err
	case "timezone":
		if _, err := Zone(text); err != nil {
			return err
		}
	case "driver":
		names := d.driverNames()
		if !slices.Contains(names, text) {
			unknown := message.New("config.unknown-driver", message.Quoted("driver", text))
			return &message.Error{Message: suggest(unknown, text, names)}
		}
	case "lane":
		d.laneRefs = append(d.laneRefs, reference{n, text})
	case "device":
		d.deviceRefs = append(d.deviceRefs, reference{n, text})
	}
	return nil
}

func (d *decoder) driverNames() []string {
	names := make([]string, len(d.specs))
	for i, s := range d.specs {
		names[i] = s.Name
	}
	return names
}

// checkHostPort returns an error for what is not HOST:PORT. The host may be empty, for all addresses; port 0 is one that
// the system chooses.
func checkHostPort(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return message.Errorf("config.no-hostport", message.Quoted("value", text))
	}
	if p, err := strconv.Atoi(port); err != nil || p < 0 || p > 65535 {
		return message.Errorf("config.no-port", message.Quoted("value", text), message.Quoted("port", port))
	}
	return nil
}

// checkBroker returns an error for what is not the URL of an MQTT broker with a port and without a password: lane files
// are shown on pages.
func checkBroker(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "mqtt" && u.Scheme != "mqtts" {
		return message.Errorf("config.no-broker", message.Quoted("value", text))
	}
	if u.User != nil {
		return message.Errorf("config.broker-password", message.Quoted("value", u.Redacted()))
	}
	if u.Port() == "" {
		return message.Errorf("config.broker-port", message.Quoted("value", text))
	}
	return checkHostPort(u.Host)
}

// checkFile returns an error for a file that cannot be opened for reading by who checks.
func checkFile(text string) error {
	f, err := os.Open(text)
	if err != nil {
		return message.Wrap(err, "config.file-unread")
	}
	return f.Close()
}

// references checks the names that refer to other parts of the file.
func (d *decoder) references(c *Config) {
	var lanes, devices []string
	for _, l := range c.Lanes {
		lanes = append(lanes, l.ID)
	}
	for _, one := range c.Devices {
		devices = append(devices, one.ID)
	}
	check := func(refs []reference, names []string, none func(name string) message.Message) {
		for _, r := range refs {
			if !slices.Contains(names, r.name) {
				d.problem(r.node, message.Message{}, suggest(none(r.name), r.name, names))
			}
		}
	}
	check(d.laneRefs, lanes, func(name string) message.Message {
		return message.New("config.no-lane", message.Quoted("lane", name))
	})
	check(d.deviceRefs, devices, func(name string) message.Message {
		return message.New("config.no-device", message.Quoted("device", name))
	})
}

// Zone returns the time zone of a setting, as driver.Zone reads it.
func Zone(text string) (*time.Location, error) { return driver.Zone(text) }
