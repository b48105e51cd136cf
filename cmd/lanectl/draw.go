package main

import (
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
)

// maxSide is the longest side of a drawn picture in pixels, which bounds its memory: 256 megapixels
// at most.
const maxSide = 1 << 14

// pictures holds the flags of decode --png. region is x, y, width and height in pixels of the file.
type pictures struct {
	out    string
	with   []string
	region []int
	view   driver.View
}

// flags adds the flags to a command.
func (p *pictures) flags(f *pflag.FlagSet) {
	f.StringVar(&p.out, "png", "", "help.flag.png")
	f.StringArrayVar(&p.with, "with", nil, "help.flag.with")
	f.IntSliceVar(&p.region, "region", nil, "help.flag.region")
	cli.Int(f, &p.view.MaxSide, "max", "", 0, maxSide, "help.flag.max")
	f.BoolVar(&p.view.Exact, "exact", false, "help.flag.exact")
	f.BoolVar(&p.view.Invert, "invert", false, "help.flag.invert")
	f.BoolVar(&p.view.Log, "log", false, "help.flag.log")
	f.BoolVar(&p.view.Equalise, "equalise", false, "help.flag.equalise")
}

// check reports flags that make no sense together, or with so many files, as a usage error.
func (p *pictures) check(f *pflag.FlagSet, files int) error {
	if p.out == "" {
		for _, name := range []string{"with", "region", "max", "exact", "invert", "log", "equalise"} {
			if f.Changed(name) {
				return cli.Usagef("lanectl.needs-png", message.String("flag", name))
			}
		}
		return nil
	}
	if files != 1 {
		return cli.Usagef("lanectl.png-one", message.Int("n", files))
	}
	if r := p.region; r != nil && (len(r) != 4 || r[0] < 0 || r[1] < 0 || r[2] < 1 || r[3] < 1) {
		return cli.Usagef("lanectl.region",
			message.Quoted("value", strings.Trim(f.Lookup("region").Value.String(), "[]")))
	}
	return nil
}

// draw draws a file, together with those of --with: the other energies or parts of the same scan.
// They stay open until the picture is drawn, since pixels are read as they are needed.
func (p *pictures) draw(path string) (err error) {
	v := p.view
	if p.region != nil {
		v.Region = image.Rect(p.region[0], p.region[1], p.region[0]+p.region[2], p.region[1]+p.region[3])
	}
	main, f, err := source(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	for _, other := range p.with {
		s, f, err := source(other)
		if err != nil {
			return fmt.Errorf("%s: %w", other, err)
		}
		defer f.Close()
		v.With = append(v.With, s)
	}
	drawn, err := drivers.Draw(main, v)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return write(p.out, drawn)
}

// source opens a file for drawing. The caller closes it, and names the path in errors.
func source(path string) (driver.Source, *os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return driver.Source{}, nil, errors.Unwrap(err)
	}
	info, err := f.Stat()
	if err != nil {
		return driver.Source{}, nil, errors.Join(err, f.Close())
	}
	return driver.Source{ReaderAt: f, Size: info.Size()}, f, nil
}

// write writes a picture whole, or not at all, as PNG; "-" is standard output. CreateTemp makes
// files private, and a picture is made to be passed on, so it is made readable.
func write(path string, drawn image.Image) error {
	if path == "-" {
		return png.Encode(os.Stdout, drawn)
	}
	if err := cli.Replaceable(path); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".lanectl-*.png")
	if err != nil {
		return err
	}
	err = errors.Join(png.Encode(f, drawn), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
