"""What `restudy.results` reads with: folders here and elsewhere, their files, and single cells."""
