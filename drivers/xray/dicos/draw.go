package dicos

import (
	"errors"
	"image"
	"io"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/picture"
	"lanewarden/drivers/xray/pixel"
)

// drawView makes a picture of an image. Files beside it (v.With) are the scan's image of the other energy, for
// pseudo-colour, and reports, whose objects are outlined; threat tags in the image itself are outlined too. v.Exact
// gives the stored values instead, without window, size or outlines. Errors: pixel.ErrNoImage, pixel.ErrNotRendered,
// a *dicom.FormatError, two images beside the first.
func drawView(f driver.Source, v driver.View) (image.Image, error) {
	i, err := pixel.Open(f, f.Size)
	if err != nil {
		return nil, err
	}
	if v.Exact {
		return picture.Exact(i, v.Region)
	}
	o := picture.Options{Region: v.Region, MaxSide: v.MaxSide, Invert: v.Invert, Log: v.Log,
		Equalise: v.Equalise, Dark: v.Dark, Light: v.Light}
	own := newObject(i.File, time.UTC)
	instance := own.text(dicom.SOPInstanceUID)
	outline := func(from object) bool {
		t := from.report()
		if t == nil {
			return false
		}
		o.Outlines = append(o.Outlines, outlinesOf(t)[instance]...)
		return true
	}
	outline(own)
	for _, w := range v.With {
		head, err := dicom.ReadHeader(io.NewSectionReader(w, 0, w.Size))
		if err != nil {
			return nil, err
		}
		if other := newObject(head, time.UTC); outline(other) && other.Find(dicom.PixelData) == nil {
			continue
		}
		if o.Other != nil {
			return nil, errSecondImage
		}
		if o.Other, err = pixel.New(head, w, w.Size); err != nil {
			return nil, err
		}
	}
	return picture.Draw(i, o)
}

var errSecondImage = errors.New("more than one image beside the first: pseudo-colour is made of two energies")
