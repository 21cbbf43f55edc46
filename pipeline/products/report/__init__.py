"""The hour on one self-contained HTML page: `page` puts together what one file each draws."""
