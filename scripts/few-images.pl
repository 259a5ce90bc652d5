#!/usr/bin/perl
# Makes a folder per class out of an IDX data set (the MNIST family): the first N training images and all test images
# of some classes, as PGM files in TO/train/NAME and TO/test/NAME. Perl, because every Debian has it and the demo needs
# no other language.
#
#   scripts/few-images.pl FROM TO N LABEL=NAME...
use strict;
use warnings;
use File::Path 'make_path';

my ($from, $to, $limit, @wanted) = @ARGV;
die "usage: few-images.pl FROM TO N LABEL=NAME...\n" unless @wanted;
my %name = map { split /=/, $_, 2 } @wanted;

sub slurp {
    my ($file) = @_;
    open my $in, '-|', 'gunzip', '-c', "$from/$file.gz" or die "$from/$file.gz: $!\n";
    binmode $in;
    local $/;
    my $bytes = <$in>;
    close $in or die "$from/$file.gz: cannot be read\n";
    return $bytes;
}

sub spill {
    my ($file, $bytes) = @_;
    open my $out, '>:raw', $file or die "$file: $!\n";
    print $out $bytes;
    close $out or die "$file: $!\n";
}

# Header of images: magic, count, height, width; of labels: magic, count; big-endian.
sub cut {
    my ($part, $split, $limit) = @_;
    my $images = slurp("$part-images-idx3-ubyte");
    my $labels = slurp("$part-labels-idx1-ubyte");
    my ($magic, $count, $height, $width) = unpack 'N4', $images;
    die "$from: no IDX images\n" unless $magic == 2051 && length $images == 16 + $count * $height * $width;
    die "$from: no labels for them\n" unless length $labels == 8 + $count;

    make_path(map { "$to/$split/$_" } values %name);
    my %taken;
    for my $i (0 .. $count - 1) {
        my $label = ord substr $labels, 8 + $i, 1;
        next if !exists $name{$label} || (defined $limit && ++$taken{$label} > $limit);
        my $pixels = substr $images, 16 + $i * $height * $width, $height * $width;
        spill(sprintf('%s/%s/%s/%05d.pgm', $to, $split, $name{$label}, $i), "P5\n$width $height\n255\n$pixels");
    }
}

cut('train', 'train', $limit);
cut('t10k', 'test', undef);
