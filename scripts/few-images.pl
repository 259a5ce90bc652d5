#!/usr/bin/perl
# Cuts a small IDX data set out of a larger one: the first N training images and all test images of some classes,
# renumbered from 0 in the order given. Perl, because every Debian has it and the demo needs no other language.
#
#   scripts/few-images.pl FROM_FOLDER TO_FOLDER N CLASS...
use strict;
use warnings;

my ($from, $to, $per_class, @classes) = @ARGV;
die "usage: few-images.pl FROM_FOLDER TO_FOLDER N CLASS...\n" unless @classes;

sub slurp {
    my ($name) = @_;
    open my $in, '-|', 'gunzip', '-c', "$from/$name.gz" or die "$from/$name.gz: $!\n";
    binmode $in;
    local $/;
    my $bytes = <$in>;
    close $in or die "$from/$name.gz: cannot be read\n";
    return $bytes;
}

sub spill {
    my ($name, $bytes) = @_;
    open my $out, '>:raw', "$to/$name" or die "$to/$name: $!\n";
    print $out $bytes;
    close $out or die "$to/$name: $!\n";
}

# Header of images: magic, count, height, width; of labels: magic, count; big-endian.
sub cut {
    my ($part, $limit) = @_;
    my $images = slurp("$part-images-idx3-ubyte");
    my $labels = slurp("$part-labels-idx1-ubyte");
    my ($magic, $count, $height, $width) = unpack 'N4', $images;
    die "$from: no IDX images\n" unless $magic == 2051 && length $images == 16 + $count * $height * $width;
    die "$from: no labels for them\n" unless length $labels == 8 + $count;

    my %number = map { $classes[$_] => $_ } 0 .. $#classes;
    my ($some_images, $some_labels, %taken) = ('', '');
    for my $i (0 .. $count - 1) {
        my $label = ord substr $labels, 8 + $i, 1;
        next if !exists $number{$label} || (defined $limit && ++$taken{$label} > $limit);
        $some_images .= substr $images, 16 + $i * $height * $width, $height * $width;
        $some_labels .= chr $number{$label};
    }
    spill("$part-images-idx3-ubyte", pack('N4', 2051, length $some_labels, $height, $width) . $some_images);
    spill("$part-labels-idx1-ubyte", pack('N2', 2049, length $some_labels) . $some_labels);
}

mkdir $to;
cut('train', $per_class);
cut('t10k', undef);
