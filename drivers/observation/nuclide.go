package observation

// naturalNuclides are those of NORM: potassium, and the daughters of radium and thorium as instruments name them
// (ANSI N42.34 categories).
var naturalNuclides = map[string]bool{
	"K-40": true, "Ra-226": true, "Th-232": true, "Pb-214": true, "Bi-214": true, "Pb-212": true,
	"Tl-208": true, "Ac-228": true,
}

// NaturalNuclide reports whether a nuclide, as N42 names it, occurs in nature.
func NaturalNuclide(n string) bool { return naturalNuclides[n] }
