package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/site/webjson"
	"lanewarden/drivers/transport"
	"lanewarden/drivers/vehicle/plc"
	firmwareconfig "lanewarden/firmware-config"
)

// profileFolders lists the folders of built-in profiles, each with the driver that reads them.
var profileFolders = []struct{ folder, driver string }{
	{firmwareconfig.Profiles, "line"}, {firmwareconfig.PLC, "plc"}, {firmwareconfig.Web, "web"},
}

// profileFolder returns which kind of profile a built-in name or a file is, as the folder of its
// built-in ones. A file is told by the keys that only one kind has; what is unclear counts as a
// line profile, whose strict decoder then says what is wrong.
func profileFolder(name string) (string, error) {
	for _, p := range profileFolders {
		if slices.Contains(firmwareconfig.Builtin(p.folder), name) {
			return p.folder, nil
		}
	}
	data, _, err := firmwareconfig.ReadDocument(firmwareconfig.Profiles, name)
	if errors.Is(err, firmwareconfig.ErrNotBuiltin) {
		return "", cli.Usage(err)
	}
	if err != nil {
		return "", err
	}
	var keys struct {
		Points   any `yaml:"points"`
		Outputs  any `yaml:"outputs"`
		Messages []struct {
			Pattern any `yaml:"pattern"`
			Fields  []struct {
				Path any `yaml:"path"`
			} `yaml:"fields"`
		} `yaml:"messages"`
	}
	if yaml.Unmarshal(data, &keys) != nil { // the strict decoder says what is wrong
		return firmwareconfig.Profiles, nil
	}
	if keys.Points != nil || keys.Outputs != nil {
		return firmwareconfig.PLC, nil
	}
	for _, m := range keys.Messages {
		if m.Pattern == nil && len(m.Fields) > 0 && m.Fields[0].Path != nil {
			return firmwareconfig.Web, nil
		}
	}
	return firmwareconfig.Profiles, nil
}

// testProfile prints what a profile makes of what a device says. source is a recording, or the
// device's address, as the kind of profile needs it. unit is the Modbus unit.
func testProfile(ctx context.Context, p cli.Printer, name, source string, unit int) error {
	folder, err := profileFolder(name)
	if err != nil {
		return err
	}
	switch folder {
	case firmwareconfig.PLC:
		return testModbusProfile(ctx, p, name, source, unit)
	case firmwareconfig.Web:
		return testWebProfile(ctx, p, name, source)
	}
	return testLineProfile(p, name, source)
}

// testModbusProfile asks a Modbus device once for everything that the profile has, and prints every
// value. What could be read is printed also when something else failed.
func testModbusProfile(ctx context.Context, p cli.Printer, name, address string, unit int) error {
	var ref driver.Ref[plc.Profile]
	if err := loadNamed(&ref, firmwareconfig.PLC, name); err != nil {
		return err
	}
	link := transport.Link{Address: address}
	if strings.HasPrefix(address, "/dev/") {
		// There are no flags for a serial line: a device with other settings is tested with a lane
		// file.
		link = transport.Link{Serial: &transport.Serial{Port: address, Baud: 9600, DataBits: 8, Parity: "none", StopBits: 1}}
	}
	values, err := plc.Ask(ctx, transport.Modbus{Link: link, Unit: unit}, ref.Value)
	for _, v := range values {
		fmt.Fprintf(p.Writer, "%-24s %s %s\n", v.Name, v.Text, v.Unit)
		if !v.Alarm.IsZero() {
			fmt.Fprintf(p.Writer, "%-24s %s\n", "", p.Phrase("lanectl.alarm-is", message.Nested("what", v.Alarm)))
		}
	}
	return err
}

// testWebProfile reads a document from a file or a device and prints every message that the profile
// finds in it.
func testWebProfile(ctx context.Context, p cli.Printer, name, source string) error {
	var ref driver.Ref[webjson.Profile]
	if err := loadNamed(&ref, firmwareconfig.Web, name); err != nil {
		return err
	}
	doc, err := webDocument(ctx, ref.Value, source)
	if err != nil {
		return err
	}
	readings, err := webjson.Decode(ref.Value, doc)
	for _, r := range readings {
		fmt.Fprintf(p.Writer, "%s %s\n", r.Message.Name, r.ID)
		if !r.At.IsZero() {
			fmt.Fprintf(p.Writer, "        %-18s %s\n", p.Phrase("lanectl.time"), r.At.Format("2006-01-02 15:04:05.999 MST"))
		}
		printValues(p.Writer, "        ", r.Values)
		if !r.Alarm.IsZero() {
			fmt.Fprintf(p.Writer, "        %s\n", p.Phrase("lanectl.alarm-is", message.Nested("what", r.Alarm)))
		}
	}
	return err
}

// webTimeout bounds one request to a device.
const webTimeout = 10 * time.Second

// webDocument reads a file, or asks the device at a URL with the request that the profile has.
func webDocument(ctx context.Context, p *webjson.Profile, source string) ([]byte, error) {
	if !strings.HasPrefix(source, "http://") && !strings.HasPrefix(source, "https://") {
		return os.ReadFile(source)
	}
	ctx, cancel := context.WithTimeout(ctx, webTimeout)
	defer cancel()
	return webjson.Ask(ctx, http.DefaultClient, source, p, "")
}
