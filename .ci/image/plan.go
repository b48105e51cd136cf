package main

import "time"

// release is what all images of a build have in common.
type release struct {
	Version  string
	Revision string    // commit
	Date     time.Time // of every file and image: the commit's
	Zones    string    // path of Go's zoneinfo.zip
}

// plan is one image.
type plan struct {
	Name        string // lanewarden/NAME is the image, /usr/bin/PROGRAM of Programs its entry point
	Title       string
	Description string
	Programs    []string
	Cmd         []string
	Ports       []string // that its documents have it listen on
	State       string   // the folder that is a volume
	Folders     []string // further ones that it finds made
}

// nobody is the user and group of all programs: a number, so that Kubernetes can tell that it is not root, and the one
// that other images without a distribution use for theirs.
const nobody = 65532

// homepage is where the packages say that they come from.
const homepage = "https://lanewarden.example"

// architectures are those of images, as Debian and Go name them.
var architectures = []string{"amd64", "arm64"}

// plans are the images that are made. Agent and hub are the release's; lane is for demonstrations and training.
var plans = []plan{
	{
		Name: "agent", Title: "Lanewarden lane agent", Programs: []string{"laned", "lanectl"},
		Description: "Reads the inspection devices of customs lanes, journals what they observe, sends it to the hub.",
		Cmd:         []string{"run", "/etc/lanewarden/lane.yaml"},
		Ports:       []string{"8480/tcp"}, State: "/var/lib/lanewarden",
		Folders: []string{"/etc/lanewarden", "/srv/lane"},
	},
	{
		Name: "hub", Title: "Lanewarden hub", Programs: []string{"lanehub"},
		Description: "Keeps a verified copy of the journals of all lane agents and serves them as a feed.",
		Cmd:         []string{"run", "--dir", "/var/lib/lanehub"},
		Ports:       []string{"8490/tcp", "8883/tcp"}, State: "/var/lib/lanehub",
		Folders: []string{"/etc/lanehub"},
	},
	{
		Name: "lane", Title: "Lanewarden simulated lane", Programs: []string{"lanesim"},
		Description: "Simulates the devices of a lane at protocol level, for demonstrations, tests and training.",
		Cmd:         []string{"lane", "--config", "/etc/lanewarden/lane.yaml"},
		State:       "/srv/lane", Folders: []string{"/etc/lanewarden"},
	},
}

// labels are the annotations of the image specification that image, manifest and index carry.
func (p plan) labels(r release) map[string]string {
	const key = "org.opencontainers.image."
	return map[string]string{
		key + "title": p.Title, key + "description": p.Description, key + "version": r.Version,
		key + "revision": r.Revision, key + "created": r.Date.Format(time.RFC3339), key + "licenses": "Apache-2.0",
		key + "vendor": "Lanewarden", key + "url": homepage, key + "source": homepage,
		key + "documentation": homepage,
	}
}
