package dicos

import (
	"sync"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/xray/picture"
)

// reports remembers what was found in images lately, for the previews of images that come after their report.
type reports struct {
	mu    sync.Mutex
	of    map[string][]picture.Outline // by image's SOP instance
	order []string
}

const rememberedImages = 64

// add remembers a report.
func (r *reports) add(t *observation.XrayThreatReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for image, list := range outlinesOf(t) {
		if r.of == nil {
			r.of = map[string][]picture.Outline{}
		}
		if _, known := r.of[image]; !known {
			if r.order = append(r.order, image); len(r.order) > rememberedImages {
				delete(r.of, r.order[0])
				r.order = r.order[1:]
			}
		}
		r.of[image] = list
	}
}

func (r *reports) outlines(image string) []picture.Outline {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of[image]
}

// outlinesOf returns what a report found, by the image in which it stands. A region that names no image is of the only one that
// the report refers to, or of the report's own object when it stands in an image.
func outlinesOf(t *observation.XrayThreatReport) map[string][]picture.Outline {
	only := ""
	if t.Embedded {
		only = t.SopInstance
	} else if len(t.ImageInstances) == 1 {
		only = t.ImageInstances[0]
	}
	out := map[string][]picture.Outline{}
	for _, o := range t.Objects {
		alarm := len(o.Assessments) == 0 && t.Decision == "ALARM"
		for _, a := range o.Assessments {
			alarm = alarm || threatFlag(a.Flag)
		}
		for _, region := range o.Regions {
			image := region.ImageInstance
			if image == "" {
				image = only
			}
			if corners := picture.Corners(region.Polygon); image != "" && len(corners) > 1 {
				out[image] = append(out[image], picture.Outline{ID: o.Id, Points: corners, Alarm: alarm})
			}
		}
	}
	return out
}
