package dicos

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/xray/picture"
)

// reports remembers what was found in images lately, for the previews of images that come after their report. It may
// be used by several goroutines: the cache locks itself.
type reports struct {
	of *lru.Cache[string, []picture.Outline] // by image's SOP instance
}

func newReports() reports { return reports{recent[[]picture.Outline](rememberedImages)} }

// recent is a map of strings that keeps the size entries that were used last.
func recent[V any](size int) *lru.Cache[string, V] {
	cache, err := lru.New[string, V](size)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return cache
}

// rememberedImages is the number of images whose outlines are kept: a report may come before its image, which is
// larger and takes longer on its way.
const rememberedImages = 64

// add remembers a report. A second report on an image replaces the first: an operator's that of the machine.
func (r *reports) add(t *observation.XrayThreatReport) {
	for image, list := range outlinesOf(t) {
		r.of.Add(image, list)
	}
}

// outlines returns what was reported of the image with this SOP instance; nil when nothing was, or it is too long
// ago.
func (r *reports) outlines(image string) []picture.Outline {
	list, _ := r.of.Get(image)
	return list
}

// outlinesOf returns what a report found, by SOP instance of the image in which it stands. A region that names no
// image is of the only one that the report refers to, or of the report's own object when it stands in an image; else
// it cannot be placed and is left out. An object is outlined as an alarm when an assessment flags it, or when the
// report is an alarm and says nothing of the object.
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
