"""Training of an AFNO on a reanalysis, resumable and the same for one seed."""
