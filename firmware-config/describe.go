package firmwareconfig

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Describe writes what would run, for people.
func (c *Config) Describe(w io.Writer) {
	fmt.Fprintf(w, "site %s (%s), agent %s, state in %s\n", named(c.Site.ID, c.Site.Title), c.Site.Kind, c.Agent.ID, c.Agent.StateDir)
	for _, l := range c.Lanes {
		fmt.Fprintf(w, "lane %s, %s\n", named(l.ID, l.Title), l.Direction)
	}
	for _, d := range c.Devices {
		lane := "whole site"
		if d.Lane != "" {
			lane = "lane " + d.Lane
		}
		fmt.Fprintf(w, "device %s, driver %s, %s: %s\n", named(d.ID, d.Title), d.Driver, lane, settingsText(reflect.ValueOf(d.Settings)))
	}
	if c.Uplink == nil {
		fmt.Fprintln(w, "no uplink: the agent only journals")
		return
	}
	fmt.Fprintf(w, "uplink to %s\n", c.Uplink.Broker)
}

func named(id, title string) string {
	if title == "" {
		return id
	}
	return fmt.Sprintf("%s %q", id, title)
}

// settingsText lists the settings that are in force.
func settingsText(v reflect.Value) string {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return "no settings"
	}
	var parts []string
	for _, f := range fieldsOf(v.Type()) {
		at := v.FieldByIndex(f.index)
		switch {
		case at.IsZero():
		case at.Kind() == reflect.Pointer:
			parts = append(parts, f.name+" {"+settingsText(at)+"}")
		default:
			parts = append(parts, fmt.Sprintf("%s=%v", f.name, at.Interface()))
		}
	}
	return strings.Join(parts, " ")
}
