// Package drivers is the one list of all drivers. A new device is one folder below, and one line in the list here with its
// import.
package drivers

import (
	"errors"
	"image"
	"io"
	"io/fs"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/radiation/aspect"
	"lanewarden/drivers/radiation/instrument"
	"lanewarden/drivers/radiation/tsa"
	"lanewarden/drivers/site/climate"
	"lanewarden/drivers/site/clock"
	"lanewarden/drivers/site/power"
	"lanewarden/drivers/site/webjson"
	"lanewarden/drivers/trace/ionscan"
	"lanewarden/drivers/trace/line"
	"lanewarden/drivers/vehicle/barcode"
	"lanewarden/drivers/vehicle/gpio"
	"lanewarden/drivers/vehicle/plate"
	"lanewarden/drivers/vehicle/plc"
	"lanewarden/drivers/vehicle/rfid"
	"lanewarden/drivers/vehicle/scale"
	"lanewarden/drivers/xray/dicos"
)

// Catalog lists all drivers.
var Catalog = []driver.Spec{
	aspect.Spec,
	barcode.Spec,
	climate.Spec,
	clock.Spec,
	dicos.Spec,
	gpio.Spec,
	ionscan.Spec,
	line.Spec,
	rfid.Spec,
	instrument.Spec,
	plate.Spec,
	plc.Spec,
	power.Spec,
	scale.Spec,
	tsa.Spec,
	webjson.Spec,
}

// AddTexts adds the drivers' own texts to the catalogue of messages. A program calls it when it starts; calling it
// again changes nothing.
func AddTexts() error {
	var folders []fs.FS
	for _, s := range Catalog {
		if s.Texts != nil {
			folders = append(folders, s.Texts)
		}
	}
	return message.Extend(folders...)
}

// Formats lists the files that drivers understand.
func Formats() (out []driver.Format) {
	for _, s := range Catalog {
		out = append(out, s.Formats...)
	}
	return out
}

// Recognise tells a file's format by its first driver.HeadBytes, the first format of the catalogue that fits. The
// error for a file that no driver reads names what it is, where that is known, and what converts it.
func Recognise(f io.ReaderAt) (driver.Format, error) {
	head := make([]byte, driver.HeadBytes)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return driver.Format{}, err
	}
	if n == 0 {
		return driver.Format{}, message.Errorf("unread.empty")
	}
	for _, format := range Formats() {
		if format.Recognise(head[:n]) {
			return format, nil
		}
	}
	if known := driver.Unread(head[:n]); !known.IsZero() {
		return driver.Format{}, message.Errorf("unread.it", message.Nested("what", known))
	}
	return driver.Format{}, message.Errorf("unread.no-format")
}

// Draw makes a picture of a file of any format that has one. Errors are those of Recognise and of the format's Draw.
func Draw(f driver.Source, v driver.View) (image.Image, error) {
	format, err := Recognise(f)
	if err != nil {
		return nil, err
	}
	if format.Draw == nil {
		return nil, message.Errorf("format.no-picture", message.Nested("format", format.Called()))
	}
	return format.Draw(f, v)
}

// Find returns the Spec of a driver by its name.
func Find(name string) (driver.Spec, bool) {
	for _, s := range Catalog {
		if s.Name == name {
			return s, true
		}
	}
	return driver.Spec{}, false
}
