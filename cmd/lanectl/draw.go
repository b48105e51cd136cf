package main

import (
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"lanewarden/drivers"
	"lanewarden/drivers/driver"
)

// pictures is what decode --png is told.
type pictures struct {
	out    string
	with   []string
	region []int
	view   driver.View
}

func (p *pictures) flags(f *pflag.FlagSet) {
	f.StringVar(&p.out, "png", "", "draw the file into this PNG `file` instead; \"-\" for standard output")
	f.StringArrayVar(&p.with, "with", nil, "another `file` of the same event: the other energy, a threat report (with --png, may be given again)")
	f.IntSliceVar(&p.region, "region", nil, "only this part: `x,y,width,height` in pixels (with --png)")
	f.IntVar(&p.view.MaxSide, "max", 0, "longest side of the picture in `pixels`; 0 for 1024 (with --png)")
	f.BoolVar(&p.view.Exact, "exact", false, "values as they are, 16 bits, instead of a picture for people (with --png)")
	f.BoolVar(&p.view.Invert, "invert", false, "dark for bright (with --png)")
	f.BoolVar(&p.view.Log, "log", false, "logarithmic scale: what is behind thick cargo (with --png)")
	f.BoolVar(&p.view.Equalise, "equalise", false, "contrast by neighbourhood, CLAHE (with --png)")
}

// draw draws a file.
func (p *pictures) draw(path string) (err error) {
	v := p.view
	if p.region != nil {
		if len(p.region) != 4 || p.region[2] < 1 || p.region[3] < 1 {
			return errors.New("--region takes x,y,width,height")
		}
		v.Region = image.Rect(p.region[0], p.region[1], p.region[0]+p.region[2], p.region[1]+p.region[3])
	}
	if v.MaxSide < 0 || v.MaxSide > 1<<14 {
		return fmt.Errorf("--max takes 1 to %d pixels", 1<<14)
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

// write writes a picture whole, or not at all.
func write(path string, drawn image.Image) error {
	if path == "-" {
		return png.Encode(os.Stdout, drawn)
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
