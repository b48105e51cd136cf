package firmwareconfig

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml/ast"

	"lanewarden/drivers/driver"
)

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// format checks a text that has more to it than its type says.
func (d *decoder) format(n ast.Node, f field, text string) error {
	switch f.format {
	case "id":
		if !idPattern.MatchString(text) {
			return fmt.Errorf("%q is no id: 1 to 32 lower-case letters, digits and '-', not beginning with '-'", text)
		}
	case "hostport":
		return checkHostPort(text)
	case "broker":
		return checkBroker(text)
	case "url":
		if u, err := url.Parse(text); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return fmt.Errorf("%q is no address of a page, such as https://lane-3.example:8480", text)
		}
	case "file":
		return checkFile(text)
	case "timezone":
		if _, err := driver.Zone(text); err != nil {
			return err
		}
	case "driver":
		names := d.driverNames()
		if !slices.Contains(names, text) {
			return fmt.Errorf("unknown driver %q%s", text, suggest(text, names))
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

func checkHostPort(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("%q is no address: write HOST:PORT", text)
	}
	if p, err := strconv.Atoi(port); err != nil || p < 0 || p > 65535 {
		return fmt.Errorf("%q is no address: port %q is not a number from 0 to 65535", text, port)
	}
	return nil
}

func checkBroker(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "mqtt" && u.Scheme != "mqtts" {
		return fmt.Errorf("%q is no broker: write mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS", text)
	}
	if u.User != nil {
		return fmt.Errorf("%q holds a password: put it into a file and name that in password_file", u.Redacted())
	}
	if u.Port() == "" {
		return fmt.Errorf("%q has no port: brokers listen on 1883, or 8883 for TLS", text)
	}
	return checkHostPort(u.Host)
}

func checkFile(text string) error {
	f, err := os.Open(text)
	if err != nil {
		return fmt.Errorf("file cannot be read: %w", err)
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
	check := func(what string, refs []reference, names []string) {
		for _, r := range refs {
			if !slices.Contains(names, r.name) {
				d.problem(r.node, "there is no %s %q%s", what, r.name, suggest(r.name, names))
			}
		}
	}
	check("lane", d.laneRefs, lanes)
	check("device", d.deviceRefs, devices)
}
